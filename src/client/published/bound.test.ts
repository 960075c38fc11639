// Goal: a list for another host is not knocked here; a list for this host is, however it spells the name.
import { expect, test } from 'vitest'
import { checkHost } from './bound.ts'
import { readList } from './list.ts'
import type { PublishedList } from './list.ts'

const listFor = (host: string | undefined): PublishedList => {
  const line = host === undefined ? '' : `# host: ${host}\n`
  return readList(new TextEncoder().encode(`# Postern sequences, format 1\n# door: ssh\n${line}7001,7002\n`))
}

test.each([
  ['gate.example.org', 'Gate.Example.Org.'],
  ['127.0.0.1', 'localhost'],
  [undefined, 'anything.example'],
])('a list for %s is knocked at %s', async (named, host) => {
  await expect(checkHost(listFor(named), host)).resolves.toBeUndefined()
})

test.each([
  ['192.0.2.7', '127.0.0.1'],
  ['nowhere.invalid', 'localhost'],
])('a list for %s is not knocked at %s', async (named, host) => {
  await expect(checkHost(listFor(named), host)).rejects.toThrow(`the list is for ${named}, not for ${host}`)
})

test('a host name with a terminal escape is ignored', () => {
  expect(listFor('gate\u001b[2J').host).toBeUndefined()
  expect(listFor('gate.example.org').host).toBe('gate.example.org')
})
