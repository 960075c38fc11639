// Goal: on a machine with a real init, set-up starts the service, which begins with the machine only once it is confirmed; a
// power cut, a killed keeper or a deadline gives back what was there; and Ansible's second run changes nothing.
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { Booted, stopMachines, type Kind } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { run, until } from './process.ts'
import { scratch } from './scratch.ts'

const LIMIT_MS = 900_000
const CONNECT = 'ip netns exec client nc -z -w 2 198.51.100.1 22'
const SETUP = 'postern setup --yes --json --interface server --hide tcp/22 --always-allow none --host 198.51.100.1'
const NETWORK = `ip netns add client
  ip link add server type veth peer name eth0 netns client
  ip addr add 198.51.100.1/24 dev server && ip link set server up
  ip -n client addr add 198.51.100.2/24 dev eth0 && ip -n client link set eth0 up
  setsid nc -lk 0.0.0.0 22 </dev/null >/dev/null 2>&1 &`

const KINDS: readonly (Kind & { readonly name: string; readonly file: string })[] = [
  {
    name: 'Debian 13, systemd',
    suite: 'trixie',
    init: 'systemd',
    packages: ['nodejs', 'ansible-core'],
    file: 'postern_0.0.1_all.deb',
  },
  {
    name: 'Debian 12, SysV init',
    suite: 'bookworm',
    init: 'sysvinit',
    packages: ['cron'],
    file: 'postern-bundled_0.0.1_amd64.deb',
  },
]

interface Report {
  readonly changed: boolean
  readonly state: string
  readonly service: string
  readonly client: { readonly line: string }
}

describe.skipIf(!IS_ROOT || !SLOW)('postern setup on a booted machine', () => {
  const folder = scratch('packages')
  beforeAll(async () => {
    mkdirSync(folder)
    await run([join(PROJECT, 'script/package'), '--out', folder, 'all', 'amd64'], {
      limitMs: LIMIT_MS,
      env: { VERSION: '0.0.1', QUICK: '1', SOURCE_DATE_EPOCH: '1000000000' },
    })
  }, LIMIT_MS)
  afterAll(stopMachines, LIMIT_MS)

  describe.each(KINDS)('$name', (kind) => {
    const isSystemd = kind.init === 'systemd'
    let machine: Booted
    const setUp = async (...args: readonly string[]): Promise<Report> => {
      const { stdout, stderr } = await machine.run([SETUP, ...args].join(' '), { mayFail: true })
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout) as Report
    }
    const connects = async (): Promise<boolean> => (await machine.run(CONNECT, { mayFail: true })).code === 0
    const knock = async ({ client }: Report): Promise<void> =>
      void (await machine.run(`ip netns exec client ${client.line.split(' && ')[0] ?? ''}`))
    const isEnabled = async (): Promise<boolean> => {
      const line = isSystemd ? 'systemctl is-enabled knockd' : 'grep -x START_KNOCKD=1 /etc/default/knockd'
      return (await machine.run(line, { mayFail: true })).code === 0
    }
    const runs = async (): Promise<boolean> => (await machine.run('pidof knockd', { mayFail: true })).code === 0
    const guarded = async (): Promise<boolean> =>
      (await machine.run('nft list table inet postern', { mayFail: true })).code === 0
    let shipped = ''

    beforeAll(async () => {
      machine = await Booted.make(kind)
      copyFileSync(join(folder, kind.file), join(machine.root, 'root', kind.file))
      await machine.run(`dpkg --install /root/${kind.file}`)
      await machine.run(NETWORK)
      shipped = machine.read('etc/knockd.conf')
    }, LIMIT_MS)

    test(
      'not confirmed: the config of the package is back, and nothing runs',
      async () => {
        const { state, service } = await setUp('--no-wait', '--confirm-within', '15s')
        expect([state, service]).toEqual(['on trial', isSystemd ? 'systemd' : 'sysv'])
        expect([await connects(), await runs(), await isEnabled()]).toEqual([false, true, false])
        // systemd starts the keeper again if it is killed; elsewhere nothing does.
        if (isSystemd) await machine.run('kill -9 $(pgrep -f [s]etup-keeper)')
        await until('it is taken back', async () => !(await guarded()), 60_000)
        await until('the daemon has ended', async () => !(await runs()), 60_000)
        await until(
          'its files are gone',
          async () => (await machine.run('ls /etc/knockd.conf*')).stdout === '/etc/knockd.conf\n',
          30_000,
        )
        expect([await connects(), await isEnabled(), machine.read('etc/knockd.conf') === shipped]).toEqual([
          true,
          false,
          true,
        ])
      },
      LIMIT_MS,
    )

    test(
      'a power cut in the trial: nothing runs after the boot, and the next run takes the rest back',
      async () => {
        await setUp('--no-wait', '--confirm-within', '10m')
        await machine.reboot()
        await machine.run(NETWORK)
        expect([await connects(), await runs(), await isEnabled()]).toEqual([true, false, false])
        const { stderr } = await machine.run(`${SETUP} --interface eth9`, { mayFail: true })
        expect(stderr).toMatch(/was not confirmed: it is taken back/)
        expect(machine.read('etc/knockd.conf')).toBe(shipped)
      },
      LIMIT_MS,
    )

    test(
      'confirmed it runs and starts with the machine; again, and after a boot, nothing changes',
      async () => {
        const report = await setUp('--no-wait', '--confirm-within', '10m')
        await knock(report)
        expect(await connects()).toBe(true)
        expect((await machine.run('postern setup confirm')).stdout).toBe('it stays\n')
        expect([await runs(), await isEnabled()]).toEqual([true, true])
        const kept = machine.read('etc/knockd.conf')
        const again = await setUp()
        expect([again.changed, again.state, machine.read('etc/knockd.conf') === kept]).toEqual([
          false,
          'unchanged',
          true,
        ])
        await machine.run(isSystemd ? 'systemctl restart knockd' : 'service knockd restart')
        expect((await setUp()).changed).toBe(false)
        // An opening outlasts a boot.
        await machine.run('postern close --all')
        await machine.reboot()
        await machine.run(NETWORK)
        await until(
          'the daemon listens',
          async () => (await machine.run('postern status', { mayFail: true })).code === 0,
        )
        expect(await connects()).toBe(false)
        await until('it is set up', async () => !(await setUp()).changed)
      },
      LIMIT_MS,
    )

    test(
      'a power cut in the trial of another config: the confirmed one is in force after the boot',
      async () => {
        const kept = machine.read('etc/knockd.conf')
        await setUp('--no-wait', '--confirm-within', '10m', '--replace', '--open-for', '5m')
        expect(machine.read('etc/knockd.conf')).not.toBe(kept)
        await machine.reboot()
        await machine.run(NETWORK)
        await until(
          'the daemon listens',
          async () => (await machine.run('postern status', { mayFail: true })).code === 0,
        )
        expect(machine.read('etc/knockd.conf')).toBe(kept)
        expect((await machine.run('ls /etc/knockd.conf*')).stdout).not.toMatch(/on-trial/)
        const report = await setUp()
        expect(report.changed).toBe(false)
        expect(await connects()).toBe(false)
        await knock(report)
        expect(await connects()).toBe(true)
      },
      LIMIT_MS,
    )

    test.skipIf(!isSystemd)(
      "Ansible's role sets it up; its second run changes nothing",
      async () => {
        await machine.run(
          'systemctl disable --now knockd; nft delete table inet postern; rm -rf /etc/knockd.conf* /etc/postern',
        )
        cpSync(join(PROJECT, 'contrib/ansible'), join(machine.root, 'root/ansible'), { recursive: true })
        const words = '-e postern_interface=server -e postern_host=198.51.100.1 -e postern_no_log=false'
        const play = `cd /root/ansible && ansible-playbook -i localhost, -c local ${words} site.yml`
        await machine.run(`${play} --syntax-check`)
        const dry = await machine.run(`${play} --check`)
        expect(dry.stdout).toMatch(/changed=1 .*failed=0/)
        expect(await guarded()).toBe(false)
        const first = await machine.run(play, { limitMs: LIMIT_MS })
        expect(first.stdout).toMatch(/changed=2 .*failed=0/)
        expect([await runs(), await isEnabled(), await connects()]).toEqual([true, true, false])
        const second = await machine.run(play, { limitMs: LIMIT_MS })
        expect(second.stdout).toMatch(/changed=0 .*failed=0/)
      },
      LIMIT_MS,
    )

    test.skipIf(!isSystemd)(
      "Ansible's role runs no command on the control node that a machine in wrong hands chooses",
      async () => {
        cpSync(join(PROJECT, 'contrib/ansible'), join(machine.root, 'root/ansible'), { recursive: true })
        await machine.run('mkdir -p /root/hostile; rm -f /root/ran')
        machine.write('root/hostile/knock', '#!/bin/sh\necho "knock $*" >>/root/ran\n', 0o755)
        const play = `cd /root/ansible && PATH=/root/hostile:$PATH ansible-playbook -i localhost, -c local site.yml`
        const answered = async (...words: readonly string[]): Promise<string> => {
          const report = JSON.stringify({ changed: true, state: 'on trial', client: { knock: words } })
          const confirmed = JSON.stringify({ changed: true })
          const text = `[ "$2" != confirm ] || { echo '${confirmed}'; exit; }\necho '${report}'\n`
          machine.write('root/hostile/postern', `#!/bin/sh\n${text}`, 0o755)
          return (await machine.run(play, { limitMs: LIMIT_MS, mayFail: true })).stdout
        }
        expect(await answered('touch', '/root/ran')).toMatch(/failed=1/)
        expect(await answered('knock', '--from', 'http://192.0.2.1/', 'gate')).toMatch(/failed=1/)
        expect(await answered('knock', '--from=/etc/shadow', 'gate')).toMatch(/failed=1/)
        expect(existsSync(join(machine.root, 'root/ran'))).toBe(false)
        expect(await answered('knock', '--verify', 'tcp/22', '--retry', '2', 'gate', '1', '2:udp')).toMatch(/failed=0/)
        expect(machine.read('root/ran')).toBe('knock --verify tcp/22 --retry 2 gate 1 2:udp\n')
      },
      LIMIT_MS,
    )
  })
})
