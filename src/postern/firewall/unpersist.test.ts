// Goal: once a base ruleset is removed, the next start loads nothing of it, and loads the machine's own rules as
// before.
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Root } from '../../../test/postern/root.ts'
import { persist } from './persist.ts'
import { RULES_MAX_BYTES } from './place.ts'
import { loadedFiles, persistedFiles, unpersist } from './unpersist.ts'

const root = Root.forEach()

const MAIN = '#!/usr/sbin/nft -f\n\nflush ruleset\n'
const OURS = '/etc/postern-base.nft'
const said = { out: '', err: '' }
const output = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) }
const write = async (): Promise<number> =>
  persist(
    [{ dialect: 'nft', family: undefined, name: 'postern-base', text: 'table inet postern_base { }\n' }],
    { root: root.path, dryRun: false, replace: false },
    output,
  )

test.each([MAIN, `${MAIN}table inet mine { }\n`, ''])('what persisting added is taken out again: %j', async (main) => {
  root.put('/etc/nftables.conf', main)
  await write()
  expect(loadedFiles(root.path)).toEqual([OURS])
  expect(await unpersist(output, root.path)).toBe(true)
  expect(root.read('/etc/nftables.conf')).toBe(main)
  expect(persistedFiles(root.path)).toEqual([])
  expect(root.mode('/etc/nftables.conf')).toBe(0o644)
})

test('out of a folder whose files are all loaded', async () => {
  root.put('/etc/nftables.d/mine.nft', '')
  root.put('/etc/nftables.conf', `${MAIN}include "/etc/nftables.d/*.nft"\n`)
  await write()
  expect(loadedFiles(root.path)).toEqual(['/etc/nftables.d/postern-base.nft'])
  expect(await unpersist(output, root.path)).toBe(true)
  expect(readdirSync(root.real('/etc/nftables.d'))).toEqual(['mine.nft'])
})

test('a file of the machine that is no file, or too large, is refused without reading it whole', () => {
  root.put('/etc/nftables.conf', '')
  const rules = root.real('/etc/nftables.conf')
  truncateSync(rules, RULES_MAX_BYTES + 1)
  expect(() => loadedFiles(root.path)).toThrow(`at most ${RULES_MAX_BYTES} bytes`)
  rmSync(rules)
  execFileSync('mkfifo', [rules])
  expect(() => loadedFiles(root.path)).toThrow('is not a regular file')
})

test('a line that cannot be taken out: the file is emptied, and goes on being found', async () => {
  root.put('/etc/elsewhere.conf', `${MAIN}include "${OURS}"\n`)
  symlinkSync('elsewhere.conf', root.real('/etc/nftables.conf'))
  root.put(OURS, 'table inet postern_base { }\n')
  expect(await unpersist(output, root.path)).toBe(false)
  expect(root.read(OURS)).toBe('')
  expect(said.err).toContain(`/etc/nftables.conf still has the line: include "${OURS}"\n  remove it`)
})

test('one that is written in another way is left, and said', async () => {
  root.put(
    '/etc/nftables.conf',
    `${MAIN}include "/etc/postern-base.n*ft"\n# include "${OURS}"\ninclude './postern-base.nft'\n`,
  )
  root.put(OURS, 'table inet postern_base { }\n')
  expect(await unpersist(output, root.path)).toBe(false)
  expect(root.read(OURS)).toBe('')
})

test('a file that nothing loads is not said to be loaded', async () => {
  root.put('/etc/nftables.conf', `${MAIN}# include "${OURS}"\n`)
  root.put(OURS, '')
  expect(loadedFiles(root.path)).toEqual([])
  expect(await unpersist(output, root.path)).toBe(true)
  expect(persistedFiles(root.path)).toEqual([])
})
