// Goal: what is installed is a copy that nobody but root can change, whatever the umask; nothing of it leads back to where it
// came from, and it runs there.
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PROJECT } from './knockd.ts'
import { lab } from './net.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'

/** The id of the user `nobody`. */
const NOBODY = 65_534
/** npm takes its time on a busy machine. */
const LIMIT_MS = 300_000

lab('script/install', () => {
  test(
    "installs a copy that is root's alone",
    async () => {
      const prefix = scratch('prefix')
      const argv = ['sh', '-c', 'umask 0; exec "$@"', 'sh', join(PROJECT, 'script/install'), '--prefix', prefix]
      const { stdout } = await run(argv, { limitMs: LIMIT_MS, env: { npm_config_loglevel: 'error' } })
      expect(stdout).toContain(`installed: ${prefix}/lib/node_modules/postern\n`)
      const all = readdirSync(prefix, { recursive: true, withFileTypes: true }).map((entry) =>
        join(entry.parentPath, entry.name),
      )
      expect(all.length).toBeGreaterThan(400)
      for (const path of all) {
        const { uid, mode } = lstatSync(path)
        expect(uid, path).toBe(0)
        if (!lstatSync(path).isSymbolicLink()) expect(mode & 0o022, path).toBe(0)
        expect(realpathSync(path).startsWith(`${prefix}/`), path).toBe(true)
      }
      for (const name of ['knockd', 'knock', 'postern']) {
        const version = await run([join(prefix, 'bin', name), '--version'], { cwd: '/' })
        expect(version.stdout).toMatch(/^\S+ \d+\.\d+\.\d+(?: \(Postern\))?\n$/)
      }
      expect(all).toContain(join(prefix, 'share/man/man8/knockd.8'))
      // Those that the lock file names, and what they need.
      const packages = readdirSync(join(prefix, 'lib/node_modules/postern/node_modules'))
      expect(packages).toEqual(expect.arrayContaining(['age-encryption', 'koffi', 'qr']))
      expect(packages).not.toContain('typescript')
    },
    LIMIT_MS,
  )

  test('leaves alone what is not its own, and says how to go on', async () => {
    const prefix = scratch('prefix')
    mkdirSync(join(prefix, 'bin'), { recursive: true })
    const theirs = join(prefix, 'bin/knock')
    writeFileSync(theirs, 'another knock\n')
    const refused = await run([join(PROJECT, 'script/install'), '--prefix', prefix], { mayFail: true })
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `install: ${theirs} is not Postern's, and stays\n  mv ${theirs} ${theirs}.old; sudo script/install\n`,
    ])
    expect(readFileSync(theirs, 'utf8')).toBe('another knock\n')
    expect(readdirSync(prefix)).toEqual(['bin'])
  })

  test('copies nothing to where somebody else can write, whose links root would follow', async () => {
    const [owned, open] = [scratch('owned'), scratch('open')]
    for (const prefix of [owned, open]) mkdirSync(join(prefix, 'lib/node_modules'), { recursive: true })
    chownSync(join(owned, 'lib'), NOBODY, 0)
    // Nobody could rename what is root's there, but put links beside it.
    chmodSync(join(open, 'lib/node_modules'), 0o1777)
    for (const [prefix, folder] of [
      [owned, join(owned, 'lib')],
      [open, join(open, 'lib/node_modules')],
    ] as const) {
      const refused = await run([join(PROJECT, 'script/install'), '--prefix', prefix], { mayFail: true })
      expect([refused.code, refused.stderr]).toEqual([
        1,
        `install: somebody else than root can write in ${folder}\n  sudo script/install --prefix /usr/local\n`,
      ])
      expect(readdirSync(join(prefix, 'lib/node_modules'))).toEqual([])
    }
  })
})
