// Goal: `npm pack` in a clean clone makes a package that holds all that runs, though nothing was built or installed there.
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PROJECT, withStateDir } from './knockd.ts'
import { lab, pair } from './net.ts'
import { run } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

/** npm takes its time on a busy machine. */
const LIMIT_MS = 300_000
/** Prints the page that is published beside a list. */
const PAGE = `
const [{ renderPage }, { readPageAssets }] = await Promise.all(
  ['list-page', 'assets'].map((name) => import(process.argv[1] + '/dist/publish/page/' + name + '.js')),
)
console.log(renderPage({ door: 'ssh', listFile: 'ssh.age', host: 'gate.example.org' }, await readPageAssets()))
`

async function page(folder: string): Promise<string> {
  return (await run([process.execPath, '--input-type=module', '-e', PAGE, folder])).stdout
}

async function npm(folder: string, ...words: readonly string[]): Promise<string> {
  const options = ['--no-fund', '--no-audit', '--loglevel=error', '--prefer-offline']
  return (await run(['npm', ...words, ...options], { cwd: folder, limitMs: LIMIT_MS })).stdout
}

lab('npm pack', () => {
  test(
    'in a clean clone',
    async () => {
      const clone = scratch('clone')
      mkdirSync(clone)
      // As git clone makes it, with what is not committed yet.
      const list = 'git -c safe.directory="*" ls-files -z --cached --others --exclude-standard --deduplicate'
      const copy = `${list} | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$0"`
      await run(['sh', '-c', copy, clone], { cwd: PROJECT })
      expect(readdirSync(clone)).not.toEqual(expect.arrayContaining(['dist']))
      const packed = scratch('packed')
      mkdirSync(packed)
      await npm(clone, 'pack', '--pack-destination', packed)
      const [name = ''] = readdirSync(packed)
      const prefix = scratch('prefix')
      await npm(packed, 'install', '-g', '--prefix', prefix, '--ignore-scripts', join(packed, name))

      const bin = (program: string): string => join(prefix, 'bin', program)
      const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string }
      expect((await run([bin('knockd'), '--version'], { cwd: '/' })).stdout).toBe(`knockd ${version} (Postern)\n`)
      expect((await run([bin('knock'), '-v', '127.0.0.1', '7301:udp'], { cwd: '/' })).stdout).toBe(
        'hitting udp 127.0.0.1:7301\n',
      )
      const config = writeConfig(
        withStateDir('[ssh]\nSequence = 7301,822,9403\nStart_Command = true\n', scratch('state')),
      )
      const checked = await run([bin('postern'), 'check', config], { cwd: '/' })
      expect(checked.stdout).toMatch(/: usable, 1 door/)
      const { server } = await pair()
      const daemon = server.start([bin('knockd'), '-v', '-c', config, '-i', 'eth0'])
      await daemon.line(/listening on eth0/)
      expect((await daemon.stop()).code).toBe(0)
      const installed = join(prefix, 'lib/node_modules/postern')
      expect(await page(installed)).toBe(await page(PROJECT))
    },
    LIMIT_MS,
  )
})
