// Goal: a base ruleset that was confirmed stays in force, whatever is killed or flushed; where it does not, or does not fit
// the config any more, it is said, with the command that helps; and what takes it away leaves nothing for the next start.
import { writeFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { abandon, applying, confirmed } from './base-rules.ts'
import { Commands } from './commands.ts'
import { nft, nftRules } from './firewall.ts'
import { startKnockd, withStateDir } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { writeConfig } from './scratch.ts'
import { probe, serveTcp } from './service.ts'

const CONFIG = `[ssh]
Sequence = 7301,5401,8822
Open_Ports = tcp/22
Open_For = 30s
`
const NEW_DOOR = `[web]
Sequence = 7302,5402,8823
Open_Ports = tcp/8080
`
const BACK = /^another program removed the base ruleset: restored as confirmed/

/** The table of the base ruleset, as nft lists it. */
const baseTable = async (host: Host): Promise<string> =>
  (await host.run(['nft', 'list', 'table', 'inet', 'postern_base'])).stdout

// The tests of one machine. Those of the other one run at the same time.
lab('a confirmed base ruleset', { concurrent: true }, () => {
  let server: Host
  let client: Host
  let file: string
  let commands: Commands
  beforeAll(async () => {
    ;({ server, client } = await pair())
    for (const port of [22, 80, 81, 82, 3306]) await serveTcp(server, port)
    file = writeConfig(CONFIG)
    commands = Commands.on(server)
    await confirmed({ server, client }, file, 80, '--allow', 'tcp/80')
  })

  test.sequential(
    'is what a trial goes back to at the next command, or by the daemon, when all processes of the trial were killed',
    async () => {
      const before = await baseTable(server)
      await abandon(server, await applying(server, file, '--allow', 'tcp/80,tcp/81', '--timeout', '5s'))
      expect(await probe(client, SERVER_4, 82)).toBe('refused')
      // The kernel lets everybody in then.
      await until('the trial is over', async () => (await probe(client, SERVER_4, 82)) === 'open')
      const status = await commands.run('firewall', 'status')
      expect(status.stdout).toMatch(/trial.*ended.*\n\s+sudo postern firewall restore\n/)
      const next = await applying(server, file, '--allow', 'tcp/81', '--timeout', '5s')
      expect(next.stderr).toMatch(/the trial before this one was not confirmed: it is taken back/)
      await abandon(server, next)
      const daemon = await startKnockd({ host: server, config: CONFIG })
      await daemon.process.line(/a base ruleset on trial was not confirmed: it is taken back/, 20_000)
      expect(await baseTable(server)).toBe(before)
      expect((await commands.run('firewall', 'status')).stdout).toMatch(/^base ruleset: kept, since/)
      await daemon.process.stop()
    },
  )

  test.sequential('is put back after a flush by the daemon, and not after it was removed', async () => {
    const daemon = await startKnockd({ host: server, config: CONFIG })
    const before = await baseTable(server)
    for (const way of ['flush ruleset', 'delete table inet postern_base', 'flush table inet postern_base']) {
      await nft(server, way)
      await daemon.process.line(BACK)
      expect(await baseTable(server), way).toBe(before)
      expect([await probe(client, SERVER_4, 80), await probe(client, SERVER_4, 3306)]).toEqual(['open', 'refused'])
    }
    await daemon.process.stop()
    await nft(server, 'flush ruleset')
    expect((await commands.run('firewall', 'status')).stdout).toMatch(
      /confirmed.* is not in force.*\n\s+sudo postern firewall restore\n/,
    )
    const later = await startKnockd({ host: server, config: CONFIG })
    expect(later.process.count(BACK)).toBe(1)
    expect(await probe(client, SERVER_4, 3306)).toBe('refused')
    expect((await commands.run('firewall', 'remove')).stdout).toContain('the base ruleset is removed')
    await nft(server, 'flush ruleset')
    await later.process.line(/another program took the guard out of the rules: it is back/)
    expect(await probe(client, SERVER_4, 3306)).toBe('open')
  })
})

lab('a confirmed base ruleset', { concurrent: true }, () => {
  test('that refuses a door that was added is not put back, and each says so', async () => {
    const { server, client } = await pair()
    const commands = Commands.on(server)
    for (const port of [80, 8080]) await serveTcp(server, port)
    const daemon = await startKnockd({ host: server, config: CONFIG })
    await confirmed({ server, client }, daemon.file, 80, '--allow', 'tcp/80')
    writeFileSync(daemon.file, withStateDir(`${CONFIG}${NEW_DOOR}`, daemon.stateDir))
    daemon.process.kill('SIGHUP')
    const command = `sudo postern firewall apply -c ${daemon.file} --allow tcp/80`
    expect(await daemon.process.line(/the base ruleset refuses/)).toBe(
      `the base ruleset refuses tcp/8080, which the config opens; ${command}`,
    )
    const status = await commands.run('firewall', 'status')
    expect(status.stdout).toContain(`the base ruleset refuses tcp/8080, which the config opens\n  ${command}\n`)
    const doctor = await commands.run('doctor', '--json', '-c', daemon.file)
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      findings: expect.arrayContaining([
        {
          severity: 'fault',
          subject: 'base ruleset',
          message: 'the base ruleset refuses tcp/8080, which the config opens',
          fix: command,
        },
      ]) as unknown,
    })
    await nft(server, 'flush ruleset')
    await daemon.process.line(/the base ruleset is missing and was not restored: it would refuse tcp\/8080/)
    expect(await nftRules(server)).not.toContain('postern_base')
    // The command that is printed puts it right.
    const words = command.split(' ')
    expect(words.slice(0, 6)).toEqual(['sudo', 'postern', 'firewall', 'apply', '-c', daemon.file])
    await confirmed({ server, client }, daemon.file, 80, ...words.slice(6))
    const after = await commands.run('firewall', 'status')
    expect([after.code, after.stdout]).toEqual([0, expect.stringMatching(/^base ruleset: kept/)])
    expect(await baseTable(server)).toContain('tcp dport 8080 accept')
    await nft(server, 'flush ruleset')
    await daemon.process.line(BACK)
  })
})
