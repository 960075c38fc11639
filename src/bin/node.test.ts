// Goal: one number says which Node.js is old, and an older one is told from a later one.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NODE_LEAST, isOlder } from './node.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('package.json and script/bootstrap name the same version', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } }
  expect(engines.node).toBe(`>=${NODE_LEAST}`)
  expect(read('script/bootstrap')).toContain(`readonly NODE_LEAST='${NODE_LEAST}'\n`)
})

test.each([
  ['20.18.3', true],
  ['18.20.8', true],
  ['9.99.0', true],
  ['20.19.0', false],
  ['22.0.0', false],
  ['100.1.0', false],
])('%s is older: %s', (version, older) => {
  expect(isOlder(version, NODE_LEAST)).toBe(older)
})
