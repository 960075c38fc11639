// Goal: the packages hold what runs and nothing else, all of it root's; the same input gives the same bytes, in a clean clone too,
// where nothing was built or installed before; npm's tarball installs exactly the versions of the lock file.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { SLOW, slowly } from '../slow.ts'
import { MODULES, PROJECT, withStateDir } from './knockd.ts'
import { IS_ROOT, pair } from './net.ts'
import { run } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

/** npm takes its time on a busy machine. */
const LIMIT_MS = 300_000

/** Options of npm install. */
const QUIET = ['--no-fund', '--no-audit', '--loglevel=error', '--prefer-offline', '--ignore-scripts']

/** What the test reads of package.json. */
interface Manifest {
  readonly version: string
  readonly engines: { readonly node: string }
  readonly scripts: { readonly prepack: string }
}

/** What the test reads of package-lock.json. */
interface Lock {
  readonly packages: Readonly<Record<string, Locked>>
}

/** A package in package-lock.json. */
interface Locked {
  readonly version: string
  readonly dev?: true
  readonly devOptional?: true
  readonly optional?: true
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

/** Builds the packages of these kinds, as script/package names them, from a folder of the project. */
async function build(
  project: string,
  folder: string,
  { kinds, env }: { readonly kinds: readonly string[]; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  mkdirSync(folder)
  await run([join(project, 'script/package'), '--out', folder, ...kinds], {
    limitMs: LIMIT_MS,
    env: { QUICK: '1', SOURCE_DATE_EPOCH: '1000000000', ...env },
  })
}

/** Copies the project as git clone makes it, with what is not committed yet. */
async function cloneProject(): Promise<string> {
  const clone = scratch('clone')
  mkdirSync(clone)
  const list = 'git -c safe.directory="*" ls-files -z --cached --others --exclude-standard --deduplicate'
  const copy = `${list} | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$0"`
  await run(['sh', '-c', copy, clone], { cwd: PROJECT })
  return clone
}

/** Writes a program of the shell. */
function writeProgram(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
}

/** Libraries of koffi, whose names end in a processor. */
const KOFFI = '@koromix/koffi-linux-'
const OWN_KOFFI = `${KOFFI}${process.arch}`

/**
 * Returns a PATH whose npm installs what the project has installed, with a compiler that gives what the project has compiled:
 * the real ones take most of a build's time, and with SLOW they are taken. Real is what npm installs for this processor;
 * for another one it is the same, by the other's name.
 */
function standIns(): string {
  const [bin, modules, needed] = [scratch('bin'), scratch('node_modules'), scratch('needed')]
  for (const path of [bin, modules, join(modules, '.bin'), needed, join(needed, '@koromix')]) mkdirSync(path)
  const theirs = join(PROJECT, 'node_modules')
  for (const name of readdirSync(theirs)) if (name !== '.bin') symlinkSync(join(theirs, name), join(modules, name))
  const compiled = `exec cp -R ${MODULES} .`
  // The others only check types.
  writeProgram(join(modules, '.bin/tsc'), `[ "$*" != '-p tsconfig.build.json' ] || { ${compiled}; }`)
  for (const path of ['koffi', OWN_KOFFI]) symlinkSync(join(theirs, path), join(needed, path))
  const npm = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
  writeProgram(
    join(bin, 'npm'),
    `case "$*" in
  ci*"--cpu=${process.arch} "*) ;;
  ci*--cpu=*)
    cpu=\${*##*--cpu=}
    cp -RL ${needed} node_modules
    exec mv node_modules/${OWN_KOFFI} "node_modules/${KOFFI}\${cpu%% *}" ;;
  ci*) exec ln -s ${modules} node_modules ;;
esac
exec ${npm} "$@"`,
  )
  return `${bin}:${process.env['PATH']}`
}

function readJson(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'))
}

/** Paths below a folder, without the folders themselves. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
}

const {
  version,
  engines,
  scripts: { prepack },
} = readJson(PROJECT, 'package.json') as Manifest
const { packages } = readJson(PROJECT, 'package-lock.json') as Lock
const DEB = `postern_${version}_all.deb`
const TARBALL = `postern-${version}.tgz`

describe.skipIf(!IS_ROOT || !existsSync('/usr/bin/dpkg-deb'))('a package', () => {
  const folder = scratch('packages')
  const root = scratch('root')
  const control = join(root, 'DEBIAN')
  const prefix = scratch('prefix')
  let env: Readonly<Record<string, string>> = {}

  beforeAll(async () => {
    if (!SLOW) env = { PATH: standIns() }
    await build(PROJECT, folder, { kinds: ['all', 'npm'], env })
    await run(['dpkg-deb', '--raw-extract', join(folder, DEB), root])
  }, LIMIT_MS)

  test.concurrent(
    'is the same bytes when it is built again, in a clean clone, where npm packs only what it has built',
    async () => {
      const clone = await cloneProject()
      expect(readdirSync(clone)).not.toEqual(expect.arrayContaining(['dist']))
      expect(readdirSync(clone)).not.toEqual(expect.arrayContaining(['node_modules']))
      // npm pack runs this first, and so does script/package. With SLOW it is npm pack itself.
      expect(prepack).toBe('script/bootstrap package >&2')
      if (SLOW) await run(['npm', 'pack'], { cwd: clone, limitMs: LIMIT_MS, env })
      const again = scratch('again')
      // With SLOW, Debian's is built again as well.
      await build(clone, again, { kinds: SLOW ? ['all', 'npm'] : ['npm'], env })
      expect(readdirSync(again).toSorted()).toEqual((SLOW ? [TARBALL, DEB] : [TARBALL]).toSorted())
      for (const name of readdirSync(again)) await run(['cmp', join(folder, name), join(again, name)])
    },
    LIMIT_MS,
  )

  // At the same time, as both mostly start npm.
  test.concurrent(
    'for npm installs the versions of the lock file, without scripts, and runs',
    async () => {
      const { stdout: packed } = await run(['tar', '-tzf', join(folder, TARBALL)])
      expect(packed).toContain('package/npm-shrinkwrap.json\n')
      await run(['npm', 'install', '-g', '--prefix', prefix, ...QUIET, join(folder, TARBALL)], {
        cwd: folder,
        limitMs: LIMIT_MS,
      })
      const installed = join(prefix, 'lib/node_modules/postern')
      const found = filesBelow(installed)
        .map((path) => /^(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path)?.[1])
        .filter((path) => path !== undefined)
      expect(found).toEqual(
        expect.arrayContaining(['node_modules/koffi', 'node_modules/age-encryption', 'node_modules/qr']),
      )
      for (const path of found) {
        const locked = packages[path]
        expect((readJson(installed, path, 'package.json') as Manifest).version, path).toBe(locked?.version)
        expect(locked?.dev ?? locked?.devOptional, path).toBe(undefined)
      }
      for (const path of filesBelow(prefix)) {
        const { uid, mode } = lstatSync(join(prefix, path))
        expect(uid, path).toBe(0)
        if (!lstatSync(join(prefix, path)).isSymbolicLink()) expect(mode & 0o022, path).toBe(0)
      }
      const bin = (program: string): string => join(prefix, 'bin', program)
      expect((await run([bin('knockd'), '--version'], { cwd: '/' })).stdout).toBe(`knockd ${version} (Postern)\n`)
      const config = writeConfig(
        withStateDir('[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n', scratch('state')),
      )
      expect((await run([bin('postern'), 'check', config], { cwd: '/' })).stdout).toMatch(/usable, 1 door/)
      const { server } = await pair()
      const daemon = server.start([bin('knockd'), '-v', '-c', config, '-i', 'eth0'])
      await daemon.line(/listening on eth0/)
      expect((await daemon.stop()).code).toBe(0)
    },
    LIMIT_MS,
  )

  test("for Debian is root's, and nobody else can write it", async () => {
    const { stdout } = await run(['dpkg-deb', '--contents', join(folder, DEB)])
    const lines = stdout.trim().split('\n')
    expect(lines.length).toBeGreaterThan(300)
    // Folders, files and links; no set-user-id, and no permission to write for group and others.
    for (const line of lines) expect(line).toMatch(/^(l\S{9}|[d-]rw[x-]r-[x-]r-[x-]) root\/root /)
  })

  test('for Debian holds what runs, and owns nothing in /etc but the rotation of its logs', () => {
    const files = filesBelow(root).filter((path) => !path.startsWith('DEBIAN/'))
    const elsewhere = files.filter((path) => !/^usr\/(lib\/postern|share\/(doc|man|postern|lintian))\//.test(path))
    expect(elsewhere.toSorted()).toEqual([
      'etc/logrotate.d/postern',
      'usr/bin/knock',
      'usr/bin/postern',
      'usr/lib/systemd/system-generators/knockd-generator',
      'usr/lib/systemd/system/knockd.service',
      'usr/lib/systemd/system/postern-metrics.service',
      'usr/lib/systemd/system/postern-metrics.timer',
      'usr/lib/sysusers.d/postern.conf',
      'usr/sbin/knockd',
      'usr/share/bash-completion/completions/knock',
      'usr/share/bash-completion/completions/knockd',
      'usr/share/bash-completion/completions/postern',
      'usr/share/fish/vendor_completions.d/knock.fish',
      'usr/share/fish/vendor_completions.d/knockd.fish',
      'usr/share/fish/vendor_completions.d/postern.fish',
      'usr/share/zsh/vendor-completions/_postern',
    ])
    const programs = files.filter((path) => path.startsWith('usr/lib/postern/'))
    for (const path of programs) expect(path).toMatch(/\.(c?js|node|css|html|json)$/)
    expect(programs.filter((path) => /\.test\.|-fake\.|\/(typescript|vitest|esbuild)\//.test(path))).toEqual([])
    // One of koffi's libraries for each of Debian's processors with a Node.js.
    expect(programs.filter((path) => path.endsWith('.node')).length).toBe(5)
    expect(readdirSync(control).toSorted()).toEqual([
      'conffiles',
      'control',
      'md5sums',
      'postinst',
      'postrm',
      'preinst',
      'prerm',
    ])
  })

  test('for Debian has the scripts for On_Event, which can be run from their copies', () => {
    const at = join(root, 'usr/share/doc/postern/examples/notify')
    const modes = readdirSync(at).map((name) => [name, lstatSync(join(at, name)).mode & 0o777])
    expect(Object.fromEntries(modes)).toEqual({ chat: 0o755, mail: 0o755, ntfy: 0o755 })
  })

  test('for Debian has scripts that a shell can read, with every name filled in', async () => {
    const scripts = ['preinst', 'postinst', 'prerm', 'postrm'].map((name) => join(control, name))
    for (const path of [...scripts, join(root, 'usr/share/postern/knockd.init')]) await run(['sh', '-n', path])
    for (const path of [...scripts, join(control, 'control'), join(root, 'usr/share/lintian/overrides/postern')]) {
      expect(readFileSync(path, 'utf8')).not.toMatch(/@[A-Z]+@/)
    }
    const depends = `Depends: nodejs (${engines.node.replace('>=', '>= ')}), `
    expect(readFileSync(join(control, 'control'), 'utf8')).toContain(depends)
  })

  test("for npm has the lock file's libraries of koffi for every system, none of which is required", async () => {
    const { stdout } = await run(['tar', '-xzOf', join(folder, TARBALL), 'package/npm-shrinkwrap.json'])
    const shipped = (JSON.parse(stdout) as Lock).packages
    const processors = ['x64', 'arm64', 'arm', 'riscv64', 'ppc64'].map((cpu) => ['linux', cpu] as const)
    for (const [system, cpu] of [...processors, ['win32', 'x64'], ['darwin', 'arm64']] as const) {
      const path = `node_modules/@koromix/koffi-${system}-${cpu}`
      expect(shipped[path], path).toMatchObject({ optional: true, os: [system], cpu: [cpu] })
      expect(shipped[path], path).toEqual(packages[path])
    }
  })

  const systems = [
    ['win32', 'x64'],
    ['darwin', 'arm64'],
    ['aix', 'ppc64'],
  ] as const
  // With koffi of another system, and without any.
  slowly.each(systems)(
    'for npm can be installed on %s, with koffi of that system or without, and knocks',
    async (system, cpu) => {
      const there = scratch(system)
      await run(
        ['npm', 'install', '-g', '--prefix', there, `--os=${system}`, `--cpu=${cpu}`, ...QUIET, join(folder, TARBALL)],
        { cwd: folder, limitMs: LIMIT_MS },
      )
      const modules = join(there, 'lib/node_modules/postern/node_modules')
      const native = join(modules, '@koromix')
      expect(existsSync(native) ? readdirSync(native) : []).toEqual(system === 'aix' ? [] : [`koffi-${system}-${cpu}`])
      const { stdout } = await run([join(there, 'bin/knock'), '-v', '127.0.0.1', '7301:udp'], { cwd: '/' })
      expect(stdout).toBe('hitting udp 127.0.0.1:7301\n')
      const config = writeConfig('[ssh]\nSequence = 7301,822,9403\nStart_Command = true\n')
      const daemon = await run([join(there, 'bin/knockd'), '-c', config], { cwd: '/', mayFail: true })
      expect([daemon.code, daemon.stdout]).toEqual([1, ''])
      // What is installed for another system is of no use on this one.
      expect(daemon.stderr).toMatch(
        /^knockd: koffi, the native part of Postern, cannot be loaded: .*\n {2}install Postern again/,
      )
    },
    LIMIT_MS,
  )
})
