"""The text wire: texts between a sender and a server in about two bits a character (docs/text-wire.md).

`codec` is what others use. Below it lie what a language looks like (`letters`, `lexicon`, `model`, `shared`), what one
connection has said so far (`history`), the guess of the next character (`guess`, `weights`), and guesses into bytes
(`arithmetic`, `others`).
"""
