// Goal: one `apt install` brings Postern, takes over from Debian's knockd without changing what it has, is upgraded without a port
// that is shown or an owner who is kept out, and goes again: on Debian 12 and 13, under a real systemd and a real SysV init.
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { Booted, stopMachines, type Kind } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { run, until } from './process.ts'
import { scratch } from './scratch.ts'

const LIMIT_MS = 900_000

const NATIVE = `[options]
	UseSyslog
	Interface = server
[ssh]
	Sequence = 24817,8093,41552
	Open_Ports = tcp/22,tcp/23
	Open_For = 10m
`
const OF_KNOCKD = `[options]
	UseSyslog
	Interface = server
[openSSH]
	sequence    = 24817,8093,41552
	seq_timeout = 5
	command     = /usr/sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
	tcpflags    = syn
`
const KNOCK = 'ip netns exec client knock 198.51.100.1 24817 8093 41552'
const CONNECT = 'ip netns exec client nc -z -w 2 198.51.100.1 22'
/** Packages of Debian's knockd and of what it depends on. */
const THEIRS = '/root/libpopt0_*.deb /root/logrotate_*.deb /root/knockd_*.deb'
/** Fails unless the init script is that of Debian's knockd. */
const COMPARE_INIT = 'dpkg --fsys-tarfile /root/knockd_*.deb | tar -xO ./etc/init.d/knockd | cmp - /etc/init.d/knockd'
/** How packages are installed, by whether Debian's knockd is removed before or after Postern is unpacked. */
const INSTALLERS = [
  ['dpkg, which removes last', 'dpkg --install'],
  ['apt, which removes first', 'apt-get -q -y -o APT::Sandbox::User=root --no-install-recommends install'],
] as const

const KINDS: readonly (Kind & { readonly name: string; readonly file: string })[] = [
  {
    name: 'Debian 12, systemd, its own Node.js',
    suite: 'bookworm',
    init: 'systemd',
    packages: [],
    file: 'postern-bundled_VERSION_amd64.deb',
  },
  {
    name: "Debian 13, systemd, Debian's Node.js",
    suite: 'trixie',
    init: 'systemd',
    packages: ['nodejs'],
    file: 'postern_VERSION_all.deb',
  },
  {
    name: 'Debian 12, SysV init, its own Node.js',
    suite: 'bookworm',
    init: 'sysvinit',
    packages: ['cron'],
    file: 'postern-bundled_VERSION_amd64.deb',
  },
]

/** The processors that have a package with its own Node.js, as readelf(1) names them, and their dynamic loaders. */
const PROCESSORS = [
  { architecture: 'amd64', machine: 'Advanced Micro Devices X86-64', loader: '/lib64/ld-linux-x86-64.so.2' },
  { architecture: 'arm64', machine: 'AArch64', loader: '/lib/ld-linux-aarch64.so.1' },
] as const
/** Debian's packages of the libraries that Node.js and koffi load. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  'libc.so.6': 'libc6',
  'libm.so.6': 'libc6',
  'libdl.so.2': 'libc6',
  'libpthread.so.0': 'libc6',
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libatomic.so.1': 'libatomic1',
}
/** The release of GCC that brought the newest symbols of libstdc++, CXXABI_1.3.N (libstdc++'s manual, "ABI Policy"). */
const GCC_OF: Readonly<Record<number, string>> = { 9: '5', 10: '6', 11: '7', 12: '9', 13: '11', 14: '13' }

function isElf(path: string): boolean {
  const start = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  readSync(fd, start, 0, 4, 0)
  closeSync(fd)
  return start.equals(Buffer.from('\u007FELF', 'latin1'))
}

/** What the first group of an expression holds, each text once. */
function matches(text: string, expression: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(expression)].map(([, group = '']) => group))]
}

function escaped(text: string): string {
  return text.replaceAll(/[+.]/g, '\\$&')
}

describe.skipIf(!IS_ROOT || !SLOW)('the packages', () => {
  const folder = scratch('packages')
  beforeAll(async () => {
    mkdirSync(folder)
    for (const [VERSION, date] of [
      ['0.0.1', '1000000000'],
      ['0.0.2', '1000000000'],
    ] as const) {
      await run([join(PROJECT, 'script/package'), '--out', folder, 'all', 'amd64', 'arm64'], {
        limitMs: LIMIT_MS,
        env: { VERSION, QUICK: '1', SOURCE_DATE_EPOCH: date },
      })
    }
  }, LIMIT_MS)
  afterAll(stopMachines, LIMIT_MS)

  test(
    'are clean for lintian, but for overrides with a reason each',
    async () => {
      const debs = readdirSync(folder).filter((name) => name.includes('_0.0.2_'))
      expect(debs.length).toBe(3)
      const argv = ['lintian', '--allow-root', '--tag-display-limit', '0', ...debs]
      const { stdout } = await run(argv, { cwd: folder, limitMs: LIMIT_MS, mayFail: true })
      expect(stdout).toBe('')
      for (const name of ['postern', 'postern-bundled']) {
        const overrides = readFileSync(join(PROJECT, `packaging/debian/${name}.lintian-overrides`), 'utf8')
        expect(overrides).toMatch(/^(# \S.*\n[a-z-]+: \S.*\n)+$/)
      }
    },
    LIMIT_MS,
  )

  test.each(PROCESSORS)(
    'bring programs for $architecture alone, and depend on what these need',
    async ({ architecture, machine, loader }) => {
      const root = scratch(architecture)
      await run(['dpkg-deb', '--raw-extract', join(folder, `postern-bundled_0.0.2_${architecture}.deb`), root])
      const programs = (await run(['find', root, '-type', 'f', '-size', '+1k'])).stdout.trim().split('\n').filter(isElf)
      expect(programs.map((path) => path.slice(root.length)).toSorted()).toEqual([
        '/usr/lib/postern/node',
        expect.stringMatching(/^\/usr\/lib\/postern\/node_modules\/@koromix\/.*\.node$/),
      ])
      const { stdout } = await run(['readelf', '--wide', '--headers', '--dynamic', '--version-info', ...programs])
      expect(matches(stdout, /Machine: +(.*)/g)).toEqual([machine])
      expect(matches(stdout, /program interpreter: (.*)\]/g)).toEqual([loader])
      const libraries = matches(stdout, /\(NEEDED\) .*\[(.*)\]/g).filter((name) => !name.startsWith('ld-linux'))
      expect(libraries.filter((name) => PACKAGE_OF[name] === undefined)).toEqual([])
      const control = readFileSync(join(root, 'DEBIAN/control'), 'utf8')
      for (const name of libraries)
        expect(control).toMatch(new RegExp(`^Depends:.* ${escaped(PACKAGE_OF[name]!)}[ ,]`, 'm'))
      // The newest symbols decide which versions of the libraries will do.
      const newest = (name: string): number =>
        Math.max(...matches(stdout, new RegExp(`Name: ${name}\\.(\\d+)`, 'g')).map(Number))
      expect(control).toContain(`libc6 (>= 2.${newest('GLIBC_2')})`)
      expect(control).toContain(`libstdc++6 (>= ${GCC_OF[newest('CXXABI_1\\.3')]})`)
    },
    LIMIT_MS,
  )

  describe.each(KINDS)('$name', (kind) => {
    const isSystemd = kind.init === 'systemd'
    const [name = ''] = kind.file.split('_')
    let machine: Booted
    const deb = (version: string): string => `/root/${kind.file.replace('VERSION', version)}`
    const install = async (version: string): Promise<string> =>
      (await machine.run(`dpkg --install ${deb(version)} 2>&1`)).stdout
    const service = async (verb: string): Promise<void> => {
      await machine.run(isSystemd ? `systemctl ${verb} knockd` : `service knockd ${verb}`)
    }
    const enable = async (): Promise<void> => {
      if (isSystemd) await machine.run('systemctl enable knockd')
      await machine.run(`sed -i 's/^START_KNOCKD=.*/START_KNOCKD=1/' /etc/default/knockd`)
    }
    const pid = async (): Promise<string> => (await machine.run('pidof knockd', { mayFail: true })).stdout.trim()
    const connects = async (): Promise<boolean> => (await machine.run(CONNECT, { mayFail: true })).code === 0
    /** Whether it starts at boot. */
    const isEnabled = async (): Promise<boolean> => {
      const line = isSystemd ? 'systemctl --quiet is-enabled knockd' : 'ls /etc/rc2.d/S*knockd'
      return (await machine.run(line, { mayFail: true })).code === 0
    }
    /** Says a word on the connection that was made while the door was open. */
    const isHeard = async (word: string): Promise<void> => {
      await machine.run(`echo ${word} >/root/words`)
      await until(`the word ${word}`, () => machine.read('root/heard').includes(word))
    }
    const sums = async (): Promise<string> => (await machine.run('md5sum /etc/knockd.conf /etc/default/knockd')).stdout

    beforeAll(async () => {
      machine = await Booted.make(kind)
      for (const file of readdirSync(folder)) copyFileSync(join(folder, file), join(machine.root, 'root', file))
      await machine.run(`ip netns add client
        ip link add server type veth peer name eth0 netns client
        ip addr add 198.51.100.1/24 dev server && ip link set server up
        ip -n client addr add 198.51.100.2/24 dev eth0 && ip -n client link set eth0 up
        setsid nc -lk 0.0.0.0 22 </dev/null >/dev/null 2>&1 &
        setsid nc -lk 0.0.0.0 23 </dev/null >/root/heard 2>&1 &`)
    }, LIMIT_MS)

    test(
      'are installed, hide nothing by themselves, and open at the first knock',
      async () => {
        const said = await install('0.0.1')
        expect(said).toMatch(/nothing is hidden yet/)
        expect(await pid()).toBe('')
        expect(await connects()).toBe(true)
        const theirs = '\\( ! -user root -o -perm /022 \\) ! -type l'
        const owned = `dpkg -L ${name} | grep .`
        const others = await machine.run(`${owned} | xargs -d "\\n" -I F find F -maxdepth 0 ${theirs}`)
        expect(others.stdout).toBe('')
        machine.write('etc/knockd.conf', NATIVE, 0o600)
        await enable()
        await service('start')
        expect(await connects()).toBe(false)
        await machine.run(KNOCK)
        expect((await machine.run(`${CONNECT} && postern status`)).stdout).toMatch(/ssh/)
        await machine.run(`mkfifo /root/words
          ip netns exec client sh -c 'exec 3<>/root/words; exec nc 198.51.100.1 23 <&3' >/dev/null 2>&1 &`)
        await isHeard('first')
      },
      LIMIT_MS,
    )

    test(
      'are upgraded with what is hidden and what is open',
      async () => {
        const before = await pid()
        const kept = await sums()
        expect(await install('0.0.2')).toMatch(/postern check .*\n(.*\n)*.*usable, 1 door/)
        expect(await pid()).not.toBe(before)
        expect(await connects()).toBe(true)
        await machine.run('postern close ssh')
        expect(await connects()).toBe(false)
        expect(await sums()).toBe(kept)
      },
      LIMIT_MS,
    )

    test(
      'let the daemon run where the config has an error',
      async () => {
        const before = await pid()
        machine.write('etc/knockd.conf', NATIVE.replace('Open_For', 'Opn_For'), 0o600)
        expect(await install('0.0.2')).toMatch(/Opn_For(.*\n)*.*is not restarted/)
        expect(await pid()).toBe(before)
        machine.write('etc/knockd.conf', NATIVE, 0o600)
        await machine.run(KNOCK)
        expect(await connects()).toBe(true)
        await machine.run('postern close ssh')
      },
      LIMIT_MS,
    )

    test.runIf(kind.packages.includes('nodejs'))(
      'are exchanged for each other with what is open and hidden',
      async () => {
        await machine.run(KNOCK)
        for (const other of ['postern-bundled_0.0.2_amd64.deb', 'postern_0.0.2_all.deb']) {
          const before = await pid()
          await machine.run(`${INSTALLERS[1][1]} /root/${other}`)
          expect((await pid()).split(' ').length).toBe(1)
          expect(await pid()).not.toBe(before)
          expect(await connects()).toBe(true)
          expect((await machine.run('dpkg-divert --list')).stdout.match(/knockd.* by postern$/gm)?.length).toBe(4)
        }
        await machine.run('postern close ssh')
        expect(await connects()).toBe(false)
      },
      LIMIT_MS,
    )

    test(
      'leave hidden what was hidden when they are removed, say how to show it, and come back',
      async () => {
        const kept = await sums()
        const { stdout } = await machine.run(`dpkg --remove ${name} 2>&1`)
        expect(await pid()).toBe('')
        expect(await connects()).toBe(false)
        await isHeard('removed')
        const [, show = ''] = /To show them now:\n {2}(.*)/.exec(stdout) ?? []
        await machine.run(show)
        expect(await connects()).toBe(true)
        await isHeard('shown')
        await install('0.0.2')
        expect(await pid()).not.toBe('')
        await machine.run('postern close ssh')
        expect(await connects()).toBe(false)
        await isHeard('again')
        expect((await machine.run(`dpkg --purge ${name} 2>&1`)).stdout).toMatch(/are kept.*: \/etc\/knockd\.conf /)
        expect(await isEnabled()).toBe(false)
        expect(await sums()).toBe(kept)
        await machine.run('nft delete table inet postern')
      },
      LIMIT_MS,
    )

    test.each(INSTALLERS)(
      "take over from Debian's knockd by %s, and give back",
      async (_, installing) => {
        await machine.run('rm -f /etc/knockd.conf /etc/default/knockd')
        await machine.run(`dpkg --install ${THEIRS}`)
        machine.write('etc/knockd.conf', OF_KNOCKD)
        machine.write('etc/default/knockd', 'START_KNOCKD=1\nKNOCKD_OPTS="-i server"\n')
        await enable()
        await service('restart')
        const kept = await sums()
        const takeOver = async (): Promise<string> => {
          const { stdout } = await machine.run(`${installing} ${deb('0.0.2')} 2>&1`)
          expect(stdout).toMatch(/usable, 1 door/)
          expect(await sums()).toBe(kept)
          expect((await machine.run('knockd --version; postern status')).stdout).toMatch(/Postern(.*\n)*.*server/)
          expect(await isEnabled()).toBe(true)
          return stdout
        }
        const opens = async (): Promise<boolean> => {
          const ports = 'for port in 24817 8093 41552; do ip netns exec client nc -z -w 1 198.51.100.1 $port; done'
          await machine.run(ports, { mayFail: true })
          return /-s 198\.51\.100\.2\/32 .*--dport 22 -j ACCEPT/.test((await machine.run('iptables -S INPUT')).stdout)
        }
        const goesBack = async (line: string): Promise<void> => {
          await machine.run('iptables -F INPUT')
          await machine.run(line)
          expect(await sums()).toBe(kept)
          await machine.run(COMPARE_INIT)
          expect((await machine.run('knockd --version; dpkg-divert --list')).stdout).not.toMatch(/postern/i)
          expect(await isEnabled()).toBe(true)
          await service('restart')
          // Debian's knockd tells nobody when it listens.
          await until('the opening', opens)
          await machine.run('iptables -F INPUT')
        }
        await takeOver()
        await until('the opening', opens)
        const removes = installing.startsWith('dpkg') ? `dpkg --remove ${name} && ` : ''
        await goesBack(`${removes}${installing} ${THEIRS}`)

        const said = await takeOver()
        await machine.run('dpkg --purge knockd')
        expect(await sums()).toBe(kept)
        // Nothing can keep that purge from disabling an init script of the same name.
        const [, putBack] = /To put it back after that:\s+(.*\S)/.exec(said) ?? []
        expect(putBack === undefined).toBe(isSystemd)
        if (putBack !== undefined) await machine.run(putBack)
        expect(await isEnabled()).toBe(true)
        await until('the opening', opens)
        // After the purge dpkg knows nothing of the files of knockd, and would ask; the answer is to keep them.
        await goesBack(`dpkg --remove ${name} && dpkg --force-confold --install ${THEIRS}`)
        await machine.run(`dpkg --purge knockd ${name}`)
      },
      LIMIT_MS,
    )
  })
})
