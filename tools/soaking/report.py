"""A table of what was measured, and whether it is as it must be."""


class Report:
    def __init__(self, name):
        self.name = name
        self.rows = []
        self.passed = True

    def add(self, what, measured, wanted="", good=None):
        """good None: a figure that nothing is asked of."""
        if good is False:
            self.passed = False
        self.rows.append((what, str(measured), str(wanted), {None: "", True: "pass", False: "FAIL"}[good]))
        line = f"  {what}: {measured}" + (f" (wanted: {wanted})" if wanted else "")
        print(line + ("" if good is None else "  pass" if good else "  FAIL"), flush=True)

    def most(self, what, value, bound, form="{:.1f}"):
        self.add(what, form.format(value), "at most " + form.format(bound), value <= bound)

    def least(self, what, value, bound, form="{:.1f}"):
        self.add(what, form.format(value), "at least " + form.format(bound), value >= bound)

    def exactly(self, what, value, wanted):
        self.add(what, value, wanted, value == wanted)

    def table(self):
        widths = [max(len(row[i]) for row in self.rows + [("", "", "", "")]) for i in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in self.rows]
        return f"== {self.name}: {'PASS' if self.passed else 'FAIL'}\n" + "\n".join(lines)
