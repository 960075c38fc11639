// Goal: one `apt install` brings Postern, takes over from Debian's knockd without changing what it has, is upgraded without a port
// that is shown or an owner who is kept out, and goes again: on Debian 12 and 13, under a real systemd and a real SysV init.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Booted, stopMachines, type Kind } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { run, until } from './process.ts'
import { scratch } from './scratch.ts'

const IS_SLOW = process.env['SLOW'] === '1'
const LIMIT_MS = 900_000

const NATIVE = `[options]
	UseSyslog
	Interface = server
[ssh]
	Sequence = 24817,8093,41552
	Open_Ports = tcp/22
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

describe.skipIf(!IS_ROOT || !IS_SLOW)('the packages', () => {
  const folder = scratch('packages')
  beforeAll(async () => {
    mkdirSync(folder)
    for (const [VERSION, date] of [
      ['0.0.1', '1000000000'],
      ['0.0.2', '1000000000'],
    ] as const) {
      await run([join(PROJECT, 'script/package'), '--out', folder, 'all', 'amd64', 'npm'], {
        limitMs: LIMIT_MS,
        env: { VERSION, QUICK: '1', SOURCE_DATE_EPOCH: date },
      })
    }
  }, LIMIT_MS)
  afterAll(stopMachines, LIMIT_MS)

  test(
    'are the same bytes when they are built again',
    async () => {
      const again = scratch('again')
      mkdirSync(again)
      await run([join(PROJECT, 'script/package'), '--out', again, 'all', 'npm'], {
        limitMs: LIMIT_MS,
        env: { VERSION: '0.0.2', QUICK: '1', SOURCE_DATE_EPOCH: '1000000000' },
      })
      const names = readdirSync(again)
      expect(names.length).toBe(2)
      for (const name of names) await run(['cmp', join(folder, name), join(again, name)])
    },
    LIMIT_MS,
  )

  describe.each(KINDS)('$name', (kind) => {
    const isSystemd = kind.init === 'systemd'
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
    const sums = async (): Promise<string> => (await machine.run('md5sum /etc/knockd.conf /etc/default/knockd')).stdout

    beforeAll(async () => {
      machine = await Booted.make(kind)
      for (const version of ['0.0.1', '0.0.2']) {
        copyFileSync(join(folder, kind.file.replace('VERSION', version)), join(machine.root, deb(version)))
      }
      await machine.run(`ip netns add client
        ip link add server type veth peer name eth0 netns client
        ip addr add 198.51.100.1/24 dev server && ip link set server up
        ip -n client addr add 198.51.100.2/24 dev eth0 && ip -n client link set eth0 up
        setsid nc -lk 0.0.0.0 22 </dev/null >/dev/null 2>&1 &`)
    }, LIMIT_MS)

    test(
      'are installed, hide nothing by themselves, and open at the first knock',
      async () => {
        const said = await install('0.0.1')
        expect(said).toMatch(/nothing is hidden yet/)
        expect(await pid()).toBe('')
        expect(await connects()).toBe(true)
        const theirs = '\\( ! -user root -o -perm /022 \\) ! -type l'
        const owned = `dpkg -L ${kind.file.split('_')[0]} | grep .`
        const others = await machine.run(`${owned} | xargs -d "\\n" -I F find F -maxdepth 0 ${theirs}`)
        expect(others.stdout).toBe('')
        machine.write('etc/knockd.conf', NATIVE, 0o600)
        await enable()
        await service('start')
        expect(await connects()).toBe(false)
        await machine.run(KNOCK)
        expect((await machine.run(`${CONNECT} && postern status`)).stdout).toMatch(/ssh/)
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

    test(
      'leave hidden what was hidden when they are removed, say how to show it, and come back',
      async () => {
        const kept = await sums()
        const name = kind.file.split('_')[0]
        const { stdout } = await machine.run(`dpkg --remove ${name} 2>&1`)
        expect(await pid()).toBe('')
        expect(await connects()).toBe(false)
        const [, show = ''] = /To show them now:\n {2}(.*)/.exec(stdout) ?? []
        await machine.run(show)
        expect(await connects()).toBe(true)
        await install('0.0.2')
        if (!isSystemd || (await pid()) === '') await service('start')
        expect(await connects()).toBe(false)
        expect((await machine.run(`dpkg --purge ${name} 2>&1`)).stdout).toMatch(/are kept/)
        expect(await sums()).toBe(kept)
        await machine.run('nft delete table inet postern', { mayFail: true })
      },
      LIMIT_MS,
    )

    test(
      "take over from Debian's knockd, and give back",
      async () => {
        await machine.run('rm -f /etc/knockd.conf /etc/default/knockd')
        const theirs = '/root/libpopt0_*.deb /root/logrotate_*.deb /root/knockd_*.deb'
        await machine.run(`dpkg --install ${theirs}`)
        machine.write('etc/knockd.conf', OF_KNOCKD)
        machine.write('etc/default/knockd', 'START_KNOCKD=1\nKNOCKD_OPTS="-i server"\n')
        await enable()
        await service('restart')
        const kept = await sums()
        expect(await install('0.0.2')).toMatch(/usable, 1 door/)
        expect(await sums()).toBe(kept)
        expect((await machine.run('knockd --version; postern status')).stdout).toMatch(/Postern(.*\n)*.*server/)
        await machine.run(KNOCK)
        expect((await machine.run('iptables -S INPUT')).stdout).toMatch(/-s 198\.51\.100\.2\/32 .*--dport 22 -j ACCEPT/)
        await machine.run('iptables -F INPUT')
        await machine.run('dpkg --purge knockd')
        expect(await sums()).toBe(kept)
        // As `apt install knockd` does. After the purge dpkg knows nothing of these files; the answer is to keep them.
        await machine.run(`dpkg --remove ${kind.file.split('_')[0]}`)
        await machine.run(`dpkg --force-confold --install ${theirs}`)
        expect(await sums()).toBe(kept)
        expect((await machine.run('knockd --version')).stdout).not.toMatch(/Postern/)
        await service('restart')
        // Debian's knockd tells nobody when it listens.
        await until('the opening', async () => {
          await machine.run(
            'for port in 24817 8093 41552; do ip netns exec client nc -z -w 1 198.51.100.1 $port; done',
            {
              mayFail: true,
            },
          )
          return /-s 198\.51\.100\.2/.test((await machine.run('iptables -S INPUT')).stdout)
        })
      },
      LIMIT_MS,
    )
  })
})
