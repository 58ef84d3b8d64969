# One shell for a whole page: reads "strict|lenient FILE TERMINAL MARK" a line from descriptor 8, runs the file's command in this
# very shell as if typed at that terminal, and tells its exit code on descriptor 9.
set -uo pipefail
while IFS=' ' read -r -u 8 guides_mode guides_file guides_terminal guides_mark; do
  if [ "$guides_mode" = strict ]; then
    set -e
    . "$guides_file" </dev/null >"$guides_terminal" 2>&1 8<&- 9>&-
    set +e
    guides_code=0
  else
    guides_code=0
    . "$guides_file" </dev/null >"$guides_terminal" 2>&1 8<&- 9>&- || guides_code=$?
  fi
  printf '%s' "$guides_mark" >"$guides_terminal"
  echo "$guides_code" >&9
done
