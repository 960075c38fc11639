// Goal: a difference shows every added and removed line, and few others.
import { expect, test } from 'vitest'
import { differing } from './difference.ts'

const lines = (name: string): string => Array.from({ length: 3_000 }, (_, index) => `${name}${index}\n`).join('')

test('what changes, and nothing that stays', () => {
  const before = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n'
  const after = 'one\n2\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\n'
  expect(differing('/etc/rules', before, after)).toBe('--- /etc/rules\n+++ /etc/rules\n-two\n+2\n…\n+eleven\n')
})

const chain = (rule: string): string =>
  `table t {\n\tchain a {\n\t\tone\n\t}\n\n\tchain b {\n\t\tone\n\t\t${rule}\n\t}\n}\n`

test('the chain that a change is in', () => {
  expect(differing('table t', chain('two'), chain('2'))).toBe(
    '--- table t\n+++ table t\n table t {\n…\n \tchain b {\n…\n-\t\ttwo\n+\t\t2\n',
  )
})

test('a new file, and one that becomes another', () => {
  expect(differing('/etc/rules', undefined, 'one\n')).toBe('--- /dev/null\n+++ /etc/rules\n+one\n')
  expect(differing('/etc/rules', 'a\nb\n', 'c\n')).toBe('--- /etc/rules\n+++ /etc/rules\n-a\n-b\n+c\n')
})

test('files too long to be aligned are shown in full', () => {
  const text = differing('/etc/rules', `same\n${lines('a')}same\n`, `same\n${lines('b')}same\n`)
  expect(text.split('\n')).toHaveLength(2 + 6_000 + 1)
})
