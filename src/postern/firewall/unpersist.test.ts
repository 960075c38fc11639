// Goal: nothing of a base ruleset is loaded at the next start once it is removed, and the machine's own rules are loaded as ever.
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { execFileSync } from 'node:child_process'
import { persist } from './persist.ts'
import { RULES_MAX_BYTES } from './place.ts'
import { loadedFiles, persistedFiles, unpersist } from './unpersist.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-unpersist-'))
afterAll(() => rmSync(folder, { recursive: true }))
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(folder, 'root-'))
})

const MAIN = '#!/usr/sbin/nft -f\n\nflush ruleset\n'
const OURS = '/etc/postern-base.nft'
const said = { out: '', err: '' }
const output = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) }
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const write = async (): Promise<number> =>
  persist(
    [{ dialect: 'nft', family: undefined, name: 'postern-base', text: 'table inet postern_base { }\n' }],
    { root, dryRun: false, replace: false },
    output,
  )

test.each([MAIN, `${MAIN}table inet mine { }\n`, ''])('what persisting added is taken out again: %j', async (main) => {
  put('/etc/nftables.conf', main)
  await write()
  expect(loadedFiles(root)).toEqual([OURS])
  expect(await unpersist(output, root)).toBe(true)
  expect(read('/etc/nftables.conf')).toBe(main)
  expect(persistedFiles(root)).toEqual([])
  expect(statSync(join(root, '/etc/nftables.conf')).mode & 0o777).toBe(0o644)
})

test('out of a folder whose files are all loaded', async () => {
  put('/etc/nftables.d/mine.nft', '')
  put('/etc/nftables.conf', `${MAIN}include "/etc/nftables.d/*.nft"\n`)
  await write()
  expect(loadedFiles(root)).toEqual(['/etc/nftables.d/postern-base.nft'])
  expect(await unpersist(output, root)).toBe(true)
  expect(readdirSync(join(root, '/etc/nftables.d'))).toEqual(['mine.nft'])
})

test('a file of the machine that is no file, or too large, is refused without reading it whole', () => {
  put('/etc/nftables.conf', '')
  truncateSync(join(root, '/etc/nftables.conf'), RULES_MAX_BYTES + 1)
  expect(() => loadedFiles(root)).toThrow(`at most ${RULES_MAX_BYTES} bytes`)
  rmSync(join(root, '/etc/nftables.conf'))
  execFileSync('mkfifo', [join(root, '/etc/nftables.conf')])
  expect(() => loadedFiles(root)).toThrow('is not a regular file')
})

test('a line that cannot be taken out: the file is emptied, and goes on being found', async () => {
  put('/etc/elsewhere.conf', `${MAIN}include "${OURS}"\n`)
  symlinkSync('elsewhere.conf', join(root, '/etc/nftables.conf'))
  put(OURS, 'table inet postern_base { }\n')
  expect(await unpersist(output, root)).toBe(false)
  expect(read(OURS)).toBe('')
  expect(said.err).toContain(`/etc/nftables.conf still has the line: include "${OURS}"\n  remove it`)
})

test('one that is written in another way is left, and said', async () => {
  put(
    '/etc/nftables.conf',
    `${MAIN}include "/etc/postern-base.n*ft"\n# include "${OURS}"\ninclude './postern-base.nft'\n`,
  )
  put(OURS, 'table inet postern_base { }\n')
  expect(await unpersist(output, root)).toBe(false)
  expect(read(OURS)).toBe('')
})

test('a file that nothing loads is not said to be loaded', async () => {
  put('/etc/nftables.conf', `${MAIN}# include "${OURS}"\n`)
  put(OURS, '')
  expect(loadedFiles(root)).toEqual([])
  expect(await unpersist(output, root)).toBe(true)
  expect(persistedFiles(root)).toEqual([])
})
