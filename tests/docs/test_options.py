"""The tables of options in docs/command-line.md are what the programs say of themselves."""

import unittest

import options


class Options(unittest.TestCase):
    def test_the_page_has_the_options_as_they_are(self):
        text = options.PAGE.read_text()
        self.assertEqual(options.page(text), text, "write them: tests/docs/options.py --write")

    def test_every_program_has_options(self):
        for program in options.PROGRAMS:
            with self.subTest(program):
                self.assertIn("--help", options.tables(options.said(program)))


if __name__ == "__main__":
    unittest.main()
