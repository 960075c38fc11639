// Goal: the service has as little privilege as its config needs, hides ports before the network is there, says how it stands,
// reloads before `systemctl reload` returns, and comes back when it hangs, with what was hidden and what was open: under the
// systemd of Debian 12 (252) and 13 (257).
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { Booted, stopMachines } from './booted.ts'
import type { Kind } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { run, until } from './process.ts'
import { scratch } from './scratch.ts'

const LIMIT_MS = 900_000
/** The most that `systemd-analyze security` may say of a service without root, and of one with commands. */
const EXPOSURE_MAX = 2
const EXPOSURE_WITH_COMMANDS_MAX = 5.5
/** Seconds without a sign of life after which the service manager of these tests restarts the daemon. */
const WATCHDOG_S = 3
/** CAP_NET_ADMIN and CAP_NET_RAW, as proc(5) has them. */
const CAPABILITIES = '0000000000003000'

const GUARD_ONLY = `[options]
	UseSyslog
	User = _postern
	Interface = server
[ssh]
	Sequence = 24817,8093,41552
	Open_Ports = tcp/22
	Open_For = 10m
`
const MORE = `[web]
	Sequence = 24817,8093,39991
	Open_Ports = tcp/80
	Open_For = 10m
`
/** Doors by commands, as configs written for Debian's knockd have them: they run as root. */
const COMMANDS = `[options]
	UseSyslog
	Interface = server
[iptables]
	sequence      = 24817,8093,41001
	start_command = /usr/sbin/iptables -I INPUT -s %IP% -p tcp --dport 2201 -j ACCEPT
	cmd_timeout   = 600
	stop_command  = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport 2201 -j ACCEPT
[ufw]
	sequence      = 24817,8093,41002
	start_command = /usr/sbin/ufw allow from %IP% to any port 2202
	cmd_timeout   = 600
	stop_command  = /usr/sbin/ufw delete allow from %IP% to any port 2202
[nft]
	sequence      = 24817,8093,41003
	start_command = /usr/sbin/nft add element inet mine known { %IP% }
	cmd_timeout   = 600
	stop_command  = /usr/sbin/nft delete element inet mine known { %IP% }
[script]
	sequence      = 24817,8093,41004
	start_command = /etc/knockd.d/open %IP%
	cmd_timeout   = 600
	stop_command  = /etc/knockd.d/close %IP%
`
/** A script of an administrator, who may do all this: files in /etc, /var, /root and /tmp, a sysctl, the log, another user. */
const OPEN = `#!/bin/sh
set -e
for file in /etc/knockd.d /var/lib/misc /root /tmp; do echo "$1" >"$file/note"; done
sysctl -qw net.ipv4.ip_forward=1
logger -t door "open to $1"
runuser -u nobody -- sh -c 'id -un' >/var/lib/misc/who
`
const CLOSE = `#!/bin/sh
for file in /etc/knockd.d /var/lib/misc /root /tmp; do rm -f "$file/note"; done
`
/** A network that comes up at boot. */
const NETWORK = `[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'ip link add server type veth peer name far'
ExecStart=/bin/sh -c 'ip addr add 198.51.100.1/24 dev server; ip link set server up'
[Install]
WantedBy=multi-user.target
`
/** Looks at the rules and the interfaces when the network may begin. */
const LOOK = `[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=lan.service network.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'nft list table inet postern >/run/rules; ip -br link >/run/links'
[Install]
WantedBy=multi-user.target
`
const CLIENT = `ip netns add client
ip link add server type veth peer name eth0 netns client
ip addr add 198.51.100.1/24 dev server && ip link set server up
for address in 2 3; do ip -n client addr add 198.51.100.$address/24 dev eth0; done
ip -n client link set eth0 up
setsid nc -lk 0.0.0.0 22 </dev/null >/dev/null 2>&1 &`
const connect = (from: string): string => `ip netns exec client nc -z -w 2 -s ${from} 198.51.100.1 22`

const KINDS: readonly (Kind & { readonly name: string; readonly what: string; readonly file: string })[] = [
  {
    name: 'Debian 12, systemd 252',
    suite: 'bookworm',
    init: 'systemd',
    packages: ['ufw'],
    what: 'amd64',
    file: 'postern-bundled_0.0.3_amd64.deb',
  },
  {
    name: 'Debian 13, systemd 257',
    suite: 'trixie',
    init: 'systemd',
    packages: ['nodejs', 'ufw'],
    what: 'all',
    file: 'postern_0.0.3_all.deb',
  },
]

describe.skipIf(!IS_ROOT || !SLOW)('the service', () => {
  const folder = scratch('packages')
  beforeAll(async () => {
    mkdirSync(folder)
    await run([join(PROJECT, 'script/package'), '--out', folder, ...KINDS.map(({ what }) => what)], {
      limitMs: LIMIT_MS,
      env: { VERSION: '0.0.3', QUICK: '1' },
    })
  }, LIMIT_MS)
  afterAll(stopMachines, LIMIT_MS)

  describe.each(KINDS)('$name', (kind) => {
    let machine: Booted
    const said = async (line: string): Promise<string> => (await machine.run(line)).stdout.trim()
    const pid = async (): Promise<string> => await said('systemctl show -p MainPID --value knockd')
    const connects = async (from = '198.51.100.2'): Promise<boolean> =>
      (await machine.run(connect(from), { mayFail: true })).code === 0
    const knock = async (last: number): Promise<void> => {
      await machine.run(`ip netns exec client knock 198.51.100.1 24817 8093 ${last}`)
    }
    const exposure = async (): Promise<number> => {
      const { stdout } = await machine.run('systemd-analyze security --no-pager knockd.service')
      return Number(/Overall exposure level for knockd\.service: ([0-9.]+)/.exec(stdout)?.[1])
    }
    const status = async (): Promise<string> =>
      /^ +Status: "(.*)"$/m.exec(await said('systemctl status --no-pager knockd'))?.[1] ?? ''
    const configure = async (text: string): Promise<void> => {
      machine.write('etc/knockd.conf', text, 0o640)
      await machine.run('chgrp _postern /etc/knockd.conf && chmod 640 /etc/knockd.conf && systemctl daemon-reload')
    }

    beforeAll(async () => {
      machine = await Booted.make(kind)
      copyFileSync(join(folder, kind.file), join(machine.root, 'root', kind.file))
      await machine.run(`dpkg --install /root/${kind.file}`)
      mkdirSync(join(machine.root, 'etc/systemd/system/knockd.service.d'), { recursive: true })
      machine.write('etc/systemd/system/knockd.service.d/test.conf', `[Service]\nWatchdogSec=${WATCHDOG_S}\n`)
      await machine.run(CLIENT)
      await configure(GUARD_ONLY)
      await machine.run('systemctl start knockd')
    }, LIMIT_MS)

    test('runs as its own user with two capabilities, in every thread, with an exposure of 2.0 at most', async () => {
      const threads = await said(`cat /proc/${await pid()}/task/*/status`)
      const user = await said('id -u _postern')
      expect(new Set(threads.match(/^Uid:.*$/gm))).toEqual(new Set([`Uid:${`\t${user}`.repeat(4)}`]))
      expect(new Set(threads.match(/^Cap(?:Eff|Prm|Bnd):.*$/gm)?.map((line) => line.split('\t')[1]))).toEqual(
        new Set([CAPABILITIES]),
      )
      expect(await exposure()).toBeLessThanOrEqual(EXPOSURE_MAX)
      expect(await said('systemd-analyze verify --man=no knockd.service 2>&1 | grep knockd || true')).toBe('')
    })

    test('opens at the first knock, and the status says so', async () => {
      expect(await connects()).toBe(false)
      expect(await status()).toBe('1 door, 0 openings; on server')
      await knock(41_552)
      await until('the port is open', async () => await connects())
      await until('the status has the opening', async () => (await status()) === '1 door, 1 opening; on server')
      expect(await said('journalctl -u knockd -o cat')).toMatch(/198\.51\.100\.2: ssh: OPEN SESAME/)
    })

    test('a reload is in force when systemctl returns', async () => {
      const before = await pid()
      for (const text of [GUARD_ONLY + MORE, GUARD_ONLY, GUARD_ONLY + MORE]) {
        machine.write('etc/knockd.conf', text, 0o640)
        const doors = await said('systemctl reload knockd && postern status --json')
        expect((JSON.parse(doors) as { doors: object[] }).doors.length).toBe(text === GUARD_ONLY ? 1 : 2)
      }
      expect(await pid()).toBe(before)
      expect(await connects()).toBe(true)
    })

    test('a config with an error is refused and said, and the previous one stays in force', async () => {
      const before = await pid()
      machine.write('etc/knockd.conf', GUARD_ONLY.replace('Open_For', 'Opn_For'), 0o640)
      await machine.run('systemctl reload knockd', { mayFail: true })
      await until('the status says it', async () =>
        (await status()).endsWith('the new config was refused: see the log'),
      )
      expect(await said('journalctl -u knockd -o cat')).toMatch(/Opn_For[^]*keeping the previous config/)
      expect([await pid(), await connects(), await connects('198.51.100.3')]).toEqual([before, true, false])
      machine.write('etc/knockd.conf', GUARD_ONLY, 0o640)
      await machine.run('systemctl reload knockd')
      await until('the status is fine', async () => (await status()) === '1 door, 1 opening; on server')
    })

    test('a daemon that hangs is started again, and what is hidden and open stays so', async () => {
      const before = await pid()
      await machine.run(`kill -STOP ${before}`)
      expect([await connects(), await connects('198.51.100.3')]).toEqual([true, false])
      await until('another process', async () => !['0', before].includes(await pid()), 60_000)
      await until('it is ready', async () => (await said('systemctl is-active knockd || true')) === 'active', 60_000)
      expect(await said('systemctl show -p NRestarts --value knockd')).toBe('1')
      expect([await connects(), await connects('198.51.100.3')]).toEqual([true, false])
      expect(await said('postern status')).toMatch(/ssh +198\.51\.100\.2/)
      // It lives on: the signs of life keep coming.
      const after = await pid()
      await machine.run(`sleep ${2 * WATCHDOG_S}`)
      expect(await pid()).toBe(after)
    })

    test('a log file that was moved away is opened again, and no config is read', async () => {
      const text = GUARD_ONLY.replace('UseSyslog', 'LogFile = /var/log/postern/knockd.log')
      await configure(text)
      await machine.run('systemctl restart knockd')
      machine.write('etc/knockd.conf', text.replace('Open_For', 'Opn_For'), 0o640)
      await machine.run('mv /var/log/postern/knockd.log /var/log/postern/knockd.log.1')
      await machine.run('systemctl kill --kill-who=main --signal=USR2 knockd')
      await until('a new file', async () => (await said('ls /var/log/postern')) === 'knockd.log\nknockd.log.1')
      expect(await status()).not.toMatch(/refused/)
    })

    test(
      'ports are hidden before the network is there',
      async () => {
        machine.write('etc/knockd.conf', GUARD_ONLY, 0o640)
        machine.write('etc/systemd/system/lan.service', NETWORK)
        machine.write('etc/systemd/system/look.service', LOOK)
        await machine.run('systemctl enable knockd look lan')
        await machine.reboot()
        await until('the network', async () => /198\.51\.100\.1/.test(await said('ip -br addr')))
        expect(await said('cat /run/rules')).toMatch(/22/)
        expect(await said('cat /run/links')).not.toMatch(/server/)
        expect(await said('journalctl -b -o cat')).not.toMatch(/ordering cycle/)
        await until('it listens', async () => (await status()) === '1 door, 1 opening; on server')
      },
      LIMIT_MS,
    )

    test(
      'commands run as before, by iptables, ufw, nft and a script under /etc',
      async () => {
        mkdirSync(join(machine.root, 'etc/knockd.d'), { recursive: true })
        machine.write('etc/knockd.d/open', OPEN, 0o755)
        machine.write('etc/knockd.d/close', CLOSE, 0o755)
        await machine.run('ip link delete server')
        await machine.run(CLIENT)
        await machine.run('ufw --force enable')
        await machine.run('nft "add table inet mine; add set inet mine known { type ipv4_addr; }"')
        await configure(COMMANDS)
        await machine.run('systemctl restart knockd')
        expect(await said('systemctl show -p User --value knockd')).toBe('')
        expect(await exposure()).toBeLessThanOrEqual(EXPOSURE_WITH_COMMANDS_MAX)
        const shows = async (line: string): Promise<boolean> => /198\.51\.100\.2/.test(await said(`${line} || true`))
        const doors = [
          [41_001, 'iptables', 'iptables -S INPUT | grep 2201'],
          [41_002, 'ufw', 'grep 2202 /etc/ufw/user.rules'],
          [41_003, 'nft', 'nft list set inet mine known'],
          [41_004, 'script', 'cat /etc/knockd.d/note /var/lib/misc/note /root/note /tmp/note 2>/dev/null'],
        ] as const
        for (const [last, door, look] of doors) {
          await knock(last)
          await until(`${door} opens`, async () => await shows(look))
        }
        const rest = 'cat /proc/sys/net/ipv4/ip_forward /var/lib/misc/who; journalctl -t door -o cat'
        await until('the rest of the script', async () => (await said(rest)) === '1\nnobody\nopen to 198.51.100.2')
        await machine.run('postern close --all')
        for (const [, door, look] of doors) await until(`${door} closes`, async () => !(await shows(look)))
        expect(await said('journalctl -u knockd -o cat')).not.toMatch(
          /Operation not permitted|Read-only|non-zero status/,
        )
      },
      LIMIT_MS,
    )
  })
})
