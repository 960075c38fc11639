// Goal: a program of a rehearsal that is started again under its name is waited for again, and heard anew.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Namespace as NamespaceType } from '../../src/twin/namespace.ts'
import { lab } from './net.ts'
import { MODULES } from './project.ts'

const LIMIT_MS = 20_000
const NAME = 'program'

lab('a program in a namespace', () => {
  test('started again after its end: its own lines are waited for', async () => {
    const { Namespace } = (await import(join(MODULES, 'twin/namespace.js'))) as { Namespace: typeof NamespaceType }
    const namespace = await Namespace.make('client')
    const said = async (script: string): Promise<string | undefined> => {
      await namespace.start(NAME, ['sh', '-c', script])
      return await namespace.line(NAME, 0, () => true, LIMIT_MS)
    }
    try {
      expect(await said('echo one')).toBe('one')
      // Nothing more comes from a program that has ended.
      expect(await namespace.line(NAME, 1, () => true, LIMIT_MS)).toBeUndefined()
      expect(await said('sleep 0.1; echo two')).toBe('two')
      expect(namespace.lines(NAME)).toEqual(['two'])
    } finally {
      await namespace.close()
    }
  })
})
