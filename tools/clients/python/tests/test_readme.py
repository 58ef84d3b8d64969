"""The examples of README.md are run as they stand."""

import os
import re
import subprocess
import sys
import unittest

from support import PACKAGE, Server, candidates


class Readme(unittest.TestCase):
    def test_examples(self):
        import json

        server = Server()
        self.addCleanup(server.stop)
        profile = os.path.join(server.home, "client.yaml")
        with open(profile) as file:
            text = file.read()
        with open(profile, "w") as file:
            file.write(text.replace("127.0.0.1:7411", server.address))
        with open(os.path.join(server.folder, "borrowers.ndjson"), "w") as file:
            for each in candidates(500):
                file.write(json.dumps(each) + "\n")
        with open(os.path.join(PACKAGE, "README.md")) as file:
            examples = re.findall(r"```python\n(.*?)```", file.read(), re.S)
        self.assertEqual(len(examples), 5)
        for example in examples:
            done = subprocess.run(
                [sys.executable, "-c", example], cwd=server.folder, env={**os.environ, "PYTHONPATH": PACKAGE},
                capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""), example)


if __name__ == "__main__":
    unittest.main()
