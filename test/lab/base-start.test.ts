// Goal: a confirmed base ruleset outlasts the machine's start where that was asked for, and only there; a power cut or a full disk
// at any step leaves either what was before or what was confirmed; and what is removed does not come back.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sinceBoot } from '../../src/base/trial.ts'
import { abandon } from './base-rules.ts'
import { Commands } from './commands.ts'
import { nft, nftRules } from './firewall.ts'
import { program } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { run, until } from './process.ts'
import type { Output, Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'

const CONFIG = (stateDir: string): string => `[options]
StateDir = ${stateDir}
Interface = eth0
[ssh]
Sequence = 7301,5401,8822
Open_Ports = tcp/22
`
const MAIN = '#!/usr/sbin/nft -f\n\nflush ruleset\n'
const OWN_FOLDERS = `mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/postern && mount --bind "$1" /var/lib/postern &&
mount -t tmpfs tmpfs /run && mkdir /run/postern && mount --bind "$2" /run/postern &&
mount --bind "$3" /etc && mount --bind "$4" /proc/sys/kernel/random/boot_id && shift 4 && exec "$@"`

/** A host with disks of its own, which can be started again: its network namespace is that of its first process. */
class Machine {
  readonly host: Host
  readonly disk = scratch('disk')
  readonly etc = scratch('etc')
  readonly file: string
  #run = ''
  #boot = ''
  #commands: Commands | undefined
  #boots = 0

  constructor(host: Host) {
    this.host = host
    this.file = writeConfig(CONFIG(scratch('state')))
    for (const folder of [this.disk, this.etc]) mkdirSync(folder, { mode: 0o700 })
    writeFileSync(join(this.etc, 'nftables.conf'), MAIN)
    this.#start()
  }

  /** The power is cut: what was in memory is gone, rules among it; then the rules of the disk are loaded. */
  async restart(): Promise<void> {
    await nft(this.host, 'flush ruleset')
    this.#start()
    await this.run('nft', '-f', '/etc/nftables.conf')
  }

  async run(...argv: readonly string[]): Promise<Output> {
    return this.host.run(this.#words(argv), { mayFail: true })
  }

  /** Runs `postern firewall` at the machine's console, where nobody can be locked out. */
  async firewall(...args: readonly string[]): Promise<Output> {
    this.#commands ??= new Commands((argv) => this.start('env', '-u', 'SSH_CONNECTION', ...argv))
    return await this.#commands.run('firewall', ...args)
  }

  start(...argv: readonly string[]): Process {
    return this.host.start(this.#words(argv))
  }

  async apply(...args: readonly string[]): Promise<Process> {
    const apply = this.start(process.execPath, program('postern'), 'firewall', 'apply', '-c', this.file, ...args)
    await apply.line(/on trial/)
    return apply
  }

  async knockd(): Promise<Process> {
    const daemon = this.start(process.execPath, program('knockd'), '-v', '-c', this.file)
    await daemon.line(/listening on/)
    return daemon
  }

  main(): string {
    return readFileSync(join(this.etc, 'nftables.conf'), 'utf8')
  }

  /** The end of the trial, as milliseconds since the start of the kernel. */
  get deadline(): number {
    return (JSON.parse(readFileSync(join(this.#run, 'firewall.json'), 'utf8')) as { deadline: number }).deadline
  }

  #start(): void {
    this.#commands = undefined
    this.#run = scratch('run')
    mkdirSync(this.#run)
    this.#boot = scratch('boot_id')
    writeFileSync(this.#boot, `00000000-0000-4000-8000-${String(++this.#boots).padStart(12, '0')}\n`)
  }

  #words(argv: readonly string[]): readonly string[] {
    const alone = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    return [...alone, 'sh', '-c', OWN_FOLDERS, 'sh', this.disk, this.#run, this.etc, this.#boot, ...argv]
  }
}

const BASE = /table inet postern_base/

// Each has a machine of its own.
lab('a base ruleset and the start of the machine', { concurrent: true }, () => {
  test('persisted it is back after a start, also where the line that loads it was lost; removed, nothing of it is', async () => {
    const { server } = await pair()
    const machine = new Machine(server)
    await machine.apply('--persist', '--timeout', '60s')
    expect((await machine.firewall('confirm')).stdout).toBe('it stays\n')
    expect(readdirSync(machine.disk)).toContain('base.json')
    await machine.restart()
    expect(await nftRules(server)).toMatch(BASE)
    const kept = await machine.firewall('status')
    expect([kept.code, kept.stdout]).toEqual([0, expect.stringMatching(/^base ruleset: kept, since/)])

    writeFileSync(join(machine.etc, 'nftables.conf'), MAIN)
    await machine.restart()
    expect(await nftRules(server)).not.toMatch(BASE)
    const daemon = await machine.knockd()
    expect(daemon.count(/restored as confirmed/)).toBe(1)
    expect((await machine.firewall('status')).stdout).toMatch(
      /was to be loaded when the machine starts, and is not\n {2}sudo postern firewall apply -c \S+ --persist\n/,
    )
    await daemon.stop()

    writeFileSync(join(machine.etc, 'nftables.conf'), `${MAIN}\ninclude "/etc/postern-base.nft"\n`)
    const removed = await machine.firewall('remove')
    expect(removed.code).toBe(0)
    expect(machine.main()).toBe(MAIN)
    expect(readdirSync(machine.etc).filter((name) => name.startsWith('postern'))).toEqual([])
    await machine.restart()
    expect(await nftRules(server)).toBe('')
    await (await machine.knockd()).stop()
    expect(await nftRules(server)).not.toMatch(BASE)
  })

  test('killed after a confirmation was on disk and before the kernel had it, it is finished', async () => {
    const { server } = await pair()
    const machine = new Machine(server)
    const apply = await machine.apply('--timeout', '5s')
    const words = `const fs = require('node:fs'); const trial = JSON.parse(fs.readFileSync('/run/postern/firewall.json', 'utf8'))
      fs.writeFileSync('/var/lib/postern/base.json', JSON.stringify(trial.confirmed), { mode: 0o600 })`
    await machine.run(process.execPath, '-e', words)
    await abandon(server, apply)
    await until('the trial is over', () => sinceBoot() > machine.deadline)
    expect((await machine.firewall('status')).stdout).toMatch(/ended/)
    expect((await machine.firewall('restore')).code).toBe(0)
    expect(await nftRules(server)).not.toMatch(/set trial/)
    expect((await machine.firewall('status')).stdout).toMatch(/^base ruleset: kept/)
  })

  test('with a full disk it is not kept, and says so; what was confirmed before is', async () => {
    const { server } = await pair()
    const machine = new Machine(server)
    await run(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', machine.disk])
    try {
      await machine.apply('--allow', 'tcp/80', '--timeout', '60s')
      await machine.firewall('confirm')
      await run(['dd', 'if=/dev/zero', `of=${join(machine.disk, 'filler')}`], { mayFail: true })
      const second = await machine.apply('--allow', 'tcp/81', '--timeout', '5s')
      const refused = await machine.firewall('confirm')
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/cannot be kept: ENOSPC[^]*it stays on trial/),
      ])
      await second.line(/not confirmed: it is taken back/)
      expect(await nftRules(server)).toMatch(/tcp dport 80 accept/)
      expect((await machine.firewall('status')).stdout).toMatch(/^base ruleset: kept/)
    } finally {
      await run(['umount', '-l', machine.disk])
    }
  })

  test('restore refuses to shut out who types it; a record that others can write is not used; what is not persisted is not put back after a start', async () => {
    const { server } = await pair()
    const machine = new Machine(server)
    await machine.apply('--allow', 'tcp/80', '--timeout', '60s')
    await machine.firewall('confirm')
    await nft(server, 'flush ruleset')
    const words = ['env', `SSH_CONNECTION=${CLIENT_4} 1 ${SERVER_4} 2222`, process.execPath, program('postern')]
    const refused = await machine.run(...words, 'firewall', 'restore')
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `postern: nothing is put back: it would refuse tcp/2222, where you are logged in\n  sudo postern firewall apply -c ${machine.file} --allow tcp/80,tcp/2222\n`,
    ])
    expect((await machine.firewall('restore')).stdout).toBe('the base ruleset is in force as it was confirmed\n')
    expect(await nftRules(server)).toMatch(BASE)

    await run(['chmod', '666', join(machine.disk, 'base.json')])
    await nft(server, 'flush ruleset')
    const first = await machine.knockd()
    expect(first.lines.join('\n')).toMatch(
      /base\.json is not used: others than its owner can change it \(mode 0666\); chmod 600/,
    )
    expect(await nftRules(server)).not.toMatch(BASE)
    expect((await machine.firewall('status')).stdout).toMatch(
      /others than its owner can change it \(mode 0666\)\n {2}chmod 600/,
    )
    await first.stop()
    await run(['chmod', '600', join(machine.disk, 'base.json')])

    await machine.restart()
    const second = await machine.knockd()
    const command = `sudo postern firewall apply -c ${machine.file} --allow tcp/80 --persist`
    expect(second.lines.join('\n')).toContain(
      `the base ruleset is missing and was not restored: it was confirmed before the machine was started, without --persist; ${command}\n`,
    )
    expect(await nftRules(server)).not.toMatch(BASE)
    expect((await machine.firewall('status')).stdout).toContain(`without --persist\n  ${command}\n`)
    await second.stop()
  })
})
