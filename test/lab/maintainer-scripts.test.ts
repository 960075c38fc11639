// Goal: what an administrator wrote survives the scripts of the packages, and a mistake in /etc/default/knockd, or a group
// that is there already, neither stops the service nor the installation. The scripts run alone, on an /etc of their own,
// beside stubs of the programs that change a system.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'

const SCRIPTS = join(PROJECT, 'packaging/debian')
const TOOLS = ['sh', 'cat', 'chmod', 'chown', 'cmp', 'grep', 'install', 'rm', 'sed']
const STUBBED = ['dpkg-divert', 'invoke-rc.d', 'nft', 'postern', 'start-stop-daemon', 'update-rc.d', 'useradd']

interface Machine {
  /** Lines of the script before it: what is there. */
  readonly before?: string
  /** Further programs, by name. */
  readonly programs?: Readonly<Record<string, string>>
}

/** Runs a maintainer script, and returns what it printed, and the stubs that it called. */
async function runScript(
  name: string,
  argument: string,
  { before = '', programs = {} }: Machine,
): Promise<{ readonly stdout: string; readonly calls: string }> {
  const folder = scratch('machine')
  for (const part of ['bin', 'upper', 'work']) mkdirSync(join(folder, part), { recursive: true })
  const program = (file: string, text: string): void => {
    writeFileSync(join(folder, 'bin', file), `#!/bin/sh\necho "${file} $*" >>${folder}/calls\n${text}\n`)
    chmodSync(join(folder, 'bin', file), 0o755)
  }
  for (const stub of STUBBED) program(stub, '')
  program('getent', 'exit 2')
  program('dpkg-query', 'exit 1')
  for (const [file, text] of Object.entries(programs)) program(file, text)
  writeFileSync(join(folder, 'calls'), '')
  const script = `set -e
    mount --make-rprivate /
    mount -t overlay overlay -o lowerdir=/etc,upperdir=${folder}/upper,workdir=${folder}/work /etc
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /usr/share
    mkdir /usr/share/postern
    cp ${SCRIPTS}/knockd.* /usr/share/postern
    rm -rf /etc/knockd* /etc/default/knockd /etc/init.d/knockd /etc/postern
    sed -i '/^_postern:/d' /etc/passwd
    grep -q '^_postern:' /etc/group || echo '_postern:x:998:' >>/etc/group
    mkdir -p /etc/init.d /etc/default
    for tool in ${TOOLS.join(' ')}; do ln -s "$(command -v $tool)" ${folder}/bin/$tool; done
    ${before}
    PATH=${folder}/bin
    sh ${SCRIPTS}/${name} ${argument}`
  const { stdout } = await run(['unshare', '-m', 'sh', '-c', script])
  return { stdout, calls: readFileSync(join(folder, 'calls'), 'utf8') }
}

describe.skipIf(!IS_ROOT)('the maintainer scripts', () => {
  test.each([
    ['words without quotes', 'START_KNOCKD=1\nKNOCKD_OPTS=-i no-such-program'],
    ['a last line that is false', 'START_KNOCKD=1\n[ -e /nonexistent ] && KNOCKD_OPTS="-i eth1"'],
  ])('restart the service as its init script would start it: %s', async (_, text) => {
    const { calls } = await runScript('postinst', 'configure', {
      before: `cat >/etc/default/knockd <<'TEXT'\n${text}\nTEXT`,
    })
    expect(calls).toContain('invoke-rc.d --disclose-deny knockd restart\n')
  })

  test('do not start what must not start, or what no file says', async () => {
    for (const text of ['START_KNOCKD="yes"', 'START_KNOCKD=1; exit 0', 'START_KNOCKD=(', '']) {
      const before = `cat >/etc/default/knockd <<'TEXT'\n${text}\nTEXT`
      const programs = { 'invoke-rc.d': 'exit 3' }
      const { calls } = await runScript('postinst', 'configure', { before, programs })
      expect(calls).not.toContain('restart')
    }
  })

  test('make the user in a group that is there already, and none where another directory has it', async () => {
    const group = { getent: '[ "$1" = group ]' }
    const { calls } = await runScript('postinst', 'configure', { programs: group })
    expect(calls).toMatch(/^useradd --system --gid _postern .*_postern$/m)
    expect((await runScript('postinst', 'configure', {})).calls).toMatch(/^useradd --system --user-group /m)
    const known = await runScript('postinst', 'configure', { programs: { getent: '' } })
    expect(known.calls).not.toContain('useradd')
  })

  test("put Debian's init script aside, and leave one that no package brought", async () => {
    const own = `echo '# mine' >/etc/init.d/knockd`
    const added = /^dpkg-divert --package postern (\S+) .*--add \/etc\/init.d\/knockd$/m
    expect(added.exec((await runScript('preinst', 'install', { before: own })).calls)?.[1]).toBe('--no-rename')
    const programs = { 'dpkg-query': 'echo config-files' }
    expect(added.exec((await runScript('preinst', 'install', { before: own, programs })).calls)?.[1]).toBe('--rename')
  })
})
