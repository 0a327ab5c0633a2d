import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable, printableLines } from './printable.ts';

test('a class name cannot colour, move or rename the terminal', () => {
  assert.equal(printable('\x1b[31mcat\x07'), '\\u001b[31mcat\\u0007');
  assert.equal(printable('a\nb\tc\r\u009bd'), 'a\\nb\\tc\\r\\u009bd');
  assert.equal(printable('safe\u202egpj.exe'), 'safe\\u202egpj.exe');
});

test('names of any language stay as they are', () => {
  assert.equal(printable('Käse 猫 🐈‍⬛ e\u0301'), 'Käse 猫 🐈‍⬛ e\u0301');
});

test('a report keeps its lines', () => {
  assert.equal(printableLines('one\r\n\ttwo\x1b[0m\n'), 'one\n  two\\u001b[0m\n');
});
