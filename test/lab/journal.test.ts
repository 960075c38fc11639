// Goal: with systemd, `journalctl POSTERN_USER=NAME` answers when NAME came, from a daemon without root, across restarts of
// journald; no name forges a field; a line is there once, the same as from syslog(3), for rsyslog behind and fail2ban, too: under the
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
const CLIENT = `ip netns add client
ip link add server type veth peer name eth0 netns client
ip addr add 198.51.100.1/24 dev server && ip link set server up
ip -n client addr add 198.51.100.2/24 dev eth0
ip -n client link set eth0 up`
const config = (more = ''): string => `[options]
	UseSyslog
	User = _postern
	Interface = server
	${more}
[ssh]
	Users = /etc/postern/users
	Open_Ports = tcp/22
	Open_For = 10m
[a POSTERN_USER=alice]
	Sequence = 24817,8093,41552
	Open_Ports = tcp/80
	Open_For = 10m
`
/** alice, and one who would like to be her. */
const USERS = 'alice 24817,8093,41001\nPOSTERN_USER.alice 24817,8093,41002\n'
const WATCHERS = ['fail2ban', 'python3-systemd', 'rsyslog']
const KINDS: readonly (Kind & { readonly name: string; readonly file: string })[] = [
  {
    name: 'Debian 12',
    suite: 'bookworm',
    init: 'systemd',
    packages: WATCHERS,
    file: 'postern-bundled_0.0.4_amd64.deb',
  },
  {
    name: 'Debian 13',
    suite: 'trixie',
    init: 'systemd',
    packages: ['nodejs', ...WATCHERS],
    file: 'postern_0.0.4_all.deb',
  },
]

interface Line {
  readonly MESSAGE: string
  readonly PRIORITY: string
  readonly SYSLOG_FACILITY: string
  readonly SYSLOG_IDENTIFIER: string
  readonly SYSLOG_PID?: string
  readonly _TRANSPORT: string
}

const visible = (all: readonly Line[]): readonly unknown[] =>
  all.map(({ MESSAGE, PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, SYSLOG_PID }) => ({
    MESSAGE: MESSAGE.replace(/\d+ s$/, 'N s'),
    PRIORITY,
    SYSLOG_FACILITY,
    SYSLOG_IDENTIFIER,
    SYSLOG_PID,
  }))

describe.skipIf(!IS_ROOT || !SLOW)('the journal', () => {
  const folder = scratch('packages')
  beforeAll(async () => {
    mkdirSync(folder)
    await run([join(PROJECT, 'script/package'), '--out', folder, 'all', 'amd64'], {
      limitMs: LIMIT_MS,
      env: { VERSION: '0.0.4', QUICK: '1' },
    })
  }, LIMIT_MS)
  afterAll(stopMachines, LIMIT_MS)

  describe.each(KINDS)('$name', (kind) => {
    let machine: Booted
    const said = async (line: string): Promise<string> => (await machine.run(line)).stdout.trim()
    const journal = async (match: string): Promise<readonly Line[]> => {
      const text = await said(`journalctl --sync; journalctl -u knockd -o json ${match} || true`)
      return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []))
    }
    const messages = async (match: string): Promise<readonly string[]> =>
      (await journal(match)).map(({ MESSAGE }) => MESSAGE)
    const knock = async (last: number): Promise<void> =>
      void (await machine.run(`ip netns exec client knock 198.51.100.1 24817 8093 ${last}`))
    const times = async (user: string): Promise<number> =>
      (await messages(`POSTERN_USER=${user} POSTERN_EVENT=open`)).length
    /** Knocks until a user has come once more: a packet may get lost on its way. */
    const comes = async (user: string, last: number): Promise<void> => {
      const before = await times(user)
      await until(`${user} came`, async () => {
        await knock(last)
        return (await times(user)) > before
      })
    }
    const begin = async (more?: string): Promise<void> => {
      machine.write('etc/knockd.conf', config(more), 0o640)
      await machine.run('chgrp _postern /etc/knockd.conf && systemctl daemon-reload && systemctl restart knockd')
    }

    const lines = async (fields: string): Promise<readonly Line[]> => {
      await machine.run('systemctl stop knockd')
      const since = await said("date '+%Y-%m-%d %H:%M:%S.%6N'")
      const match = `--since '${since}' SYSLOG_IDENTIFIER=knockd _TRANSPORT=syslog _TRANSPORT=journal`
      await begin(`Journal_Fields = ${fields}`)
      await knock(41_001)
      await until('it came', async () => (await messages(match)).some((text) => text.includes('OPEN SESAME')))
      await machine.run('systemctl stop knockd')
      return await journal(match)
    }

    /** Returns the first line of a start, as rsyslog has it. */
    const forwarded = async (more: string): Promise<string> => {
      await machine.run('systemctl stop knockd; sleep 1; : >/var/log/knockd-syslog.log')
      await begin(more)
      const last = 'tail -n 1 /var/log/knockd-syslog.log'
      await until('a line', async () => /starting up/.test(await said(last)))
      return (await said(last)).replace(/^\S+ \S+ /, '')
    }

    beforeAll(async () => {
      machine = await Booted.make(kind)
      copyFileSync(join(folder, kind.file), join(machine.root, 'root', kind.file))
      await machine.run(`dpkg --install /root/${kind.file}`)
      // Without a syslog daemon, as Debian 12 and 13 are installed. The file of its socket stays.
      await machine.run(
        'systemctl disable --now fail2ban rsyslog syslog.socket; rm -f /etc/systemd/system/syslog.service',
      )
      await machine.run(CLIENT)
      mkdirSync(join(machine.root, 'etc/postern'), { recursive: true })
      machine.write('etc/postern/users', USERS, 0o640)
      await machine.run('chgrp _postern /etc/postern/users')
      await begin()
    }, LIMIT_MS)
    afterAll(async () => {
      await machine.stop()
    }, LIMIT_MS)

    test('says when a user came, and where', async () => {
      await comes('alice', 41_001)
      expect((await messages('POSTERN_USER=alice')).slice(0, 2)).toEqual([
        '198.51.100.2: ssh: OPEN SESAME (alice)',
        '198.51.100.2: ssh: tcp/22 open for 600 s',
      ])
      expect(await messages('POSTERN_DOOR=ssh POSTERN_SOURCE=198.51.100.2 POSTERN_EVENT=opened')).toHaveLength(1)
      expect(await said('ps -o user= -C knockd')).toBe('_postern')
    })

    test('a name that looks like a field makes no field', async () => {
      const alices = await times('alice')
      await comes('POSTERN_USER.alice', 41_002)
      const door = "'POSTERN_DOOR=a POSTERN_USER=alice' POSTERN_EVENT=open"
      await until('the door', async () => {
        await knock(41_552)
        return (await messages(door)).length > 0
      })
      expect(await messages(door)).toContain('198.51.100.2: a POSTERN_USER=alice: OPEN SESAME')
      expect(await times('alice')).toBe(alices)
    })

    test(
      'goes on where journald is restarted, crashes, and is away',
      async () => {
        await machine.run('systemctl restart systemd-journald')
        await comes('alice', 41_001)
        await machine.run('systemctl kill --signal=KILL systemd-journald')
        await comes('alice', 41_001)
        const before = await times('alice')
        await machine.run('systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald')
        await knock(41_001)
        expect(await said('postern status --json')).toMatch(/alice/)
        // systemd starts nothing that began too often.
        await machine.run('systemctl reset-failed systemd-journald')
        await machine.run('systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald')
        await until(
          'lines have fields again',
          async () => {
            await knock(41_001)
            return (await times('alice')) > before
          },
          60_000,
        )
        expect(await said('systemctl show -p NRestarts --value knockd')).toBe('0')
      },
      LIMIT_MS,
    )

    test(
      'journald that hangs holds up nobody, and gets the lines afterwards',
      async () => {
        // A packet may get lost on its way: the daemon itself says how many there were.
        const opens = async (): Promise<number> =>
          Number(await said(`postern events --json | grep -c '"event":"open"'`))
        const before = (await messages('POSTERN_EVENT=open')).length
        const known = await opens()
        const pid = await said('systemctl show -p MainPID --value systemd-journald')
        expect(Number(pid)).toBeGreaterThan(1)
        await machine.run(`kill -STOP ${pid}`)
        try {
          for (let time = 0; time < 5; time++)
            await machine.run('for i in $(seq 40); do ip netns exec client knock 198.51.100.1 24817 8093 41001; done')
          const { start, end } = JSON.parse(
            await said(
              's=$(date +%s%N); postern status --json >/dev/null; echo "{\\"start\\":$s,\\"end\\":$(date +%s%N)}"',
            ),
          ) as Record<string, number>
          expect(end! - start!).toBeLessThan(5e9)
          expect((await opens()) - known).toBeGreaterThan(150)
        } finally {
          await machine.run(`kill -CONT ${pid}`)
        }
        await until(
          'all lines',
          async () => (await messages('POSTERN_EVENT=open')).length === before + (await opens()) - known,
          60_000,
        )
      },
      LIMIT_MS,
    )

    test(
      'has the line of syslog(3), once',
      async () => {
        const [without, fields] = [await lines('no'), await lines('yes')]
        expect(new Set(without.map(({ _TRANSPORT }) => _TRANSPORT))).toEqual(new Set(['syslog']))
        expect(new Set(fields.map(({ _TRANSPORT }) => _TRANSPORT))).toEqual(new Set(['journal']))
        expect(visible(fields)).toEqual(visible(without))
      },
      LIMIT_MS,
    )

    test(
      'rsyslog behind journald gets the lines as before, unless fields are wanted',
      async () => {
        const example = '/usr/share/doc/postern*/examples/rsyslog/30-knockd.conf'
        await machine.run(`cp ${example} /etc/rsyslog.d/ && systemctl enable --now rsyslog`)
        expect(await forwarded('')).toBe('knockd: starting up, listening on server')
        expect(await forwarded('Journal_Fields = yes')).toMatch(/^knockd\[\d+\]: starting up, listening on server$/)
        expect(await forwarded('Journal_Fields = no')).toBe('knockd: starting up, listening on server')
        await machine.run('systemctl disable --now rsyslog syslog.socket')
      },
      LIMIT_MS,
    )

    test(
      "fail2ban's backend for the journal finds a scan in lines with fields as in those without",
      async () => {
        const filter = '/usr/share/doc/postern*/examples/fail2ban/filter.d/postern.conf'
        const found: string[] = []
        for (const fields of ['no', 'yes']) {
          await machine.run('journalctl --rotate && journalctl --vacuum-time=1s; sleep 2')
          await begin(`Journal_Fields = ${fields}`)
          await machine.run('ip netns exec client knock 198.51.100.1 1 2 3 4 5 6 7')
          await until('the scan', async () => (await messages('')).some((text) => text.includes('port scan')))
          const scans = await journal("--grep 'port scan'")
          expect(scans.map(({ _TRANSPORT }) => _TRANSPORT)).toEqual([fields === 'yes' ? 'journal' : 'syslog'])
          found.push(await said(`fail2ban-regex --out ip systemd-journal ${filter}`))
        }
        expect(found).toEqual(['198.51.100.2', '198.51.100.2'])
      },
      LIMIT_MS,
    )
  })
})
