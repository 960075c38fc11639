// Goal: a base ruleset lets in what it should and refuses the rest as closed ports do, together with the guard; and
// nobody is locked out by it: without a confirmation over a new connection it is taken back, whatever is killed.
import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { sample, slowly } from '../slow.ts'
import { applying, confirm, connected, firewall, keepers } from './base-rules.ts'
import { Commands } from './commands.ts'
import { nft, nftRules } from './firewall.ts'
import { asked } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import { runs, until } from './process.ts'
import { writeConfig } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const CONFIG = `[options]
Always_Allow = 203.0.113.0/24
[ssh]
Sequence = 7301,5401,8822
Open_Ports = tcp/22
Open_For = 30s
`

// Each test has hosts of its own.
lab('the base ruleset', { concurrent: true }, () => {
  test('confirmed over a new connection it stays, and a later one that is interrupted goes; what is named is open, the rest looks closed; who knocks gets through it and the guard', async () => {
    const { server, client } = await pair()
    const commands = Commands.on(server)
    for (const port of [22, 80, 81, 3306]) await serveTcp(server, port)
    const file = writeConfig(`${CONFIG}[run]\nSequence = 7302,5401\nCommand = true\n`)
    const old = await connected(client, 80)
    const apply = await applying(server, file, '--allow', 'tcp/80', '--timeout', '30s')
    expect(apply.lines.join('\n')).toMatch(/:7:1: warning: door `run` runs a command/)
    expect([await probe(client, SERVER_4, 80), await probe(client, SERVER_6, 80)]).toEqual(['open', 'open'])
    expect([await probe(client, SERVER_4, 3306), await probe(client, SERVER_6, 3306)]).toEqual(['refused', 'refused'])
    for (const words of [[SERVER_4], ['-6', SERVER_6]]) {
      const echo = await client.run(['nmap', '-n', '-sn', '-PE', '--disable-arp-ping', '--reason', ...words])
      expect(echo.stdout).toMatch(/Host is up, received echo-reply/)
    }
    const doubted = await confirm(server, old)
    expect([doubted.code, doubted.stderr]).toEqual([
      1,
      expect.stringMatching(/this connection was there before the rules\n {2}log in once more/),
    ])
    expect((await confirm(server, `${CLIENT_4} 9 ${SERVER_4} 22`)).stderr).toMatch(/a connection that has ended/)
    const status = JSON.parse((await commands.run('firewall', 'status', '--json')).stdout) as {
      base: string
      trialLeftS: number
    }
    expect(status.base).toBe('on trial')
    expect(status.trialLeftS).toBeGreaterThan(0)
    const kept = await confirm(server, await connected(client, 80))
    expect([kept.code, kept.stdout]).toEqual([0, 'it stays\n'])
    await apply.line(/confirmed: it stays/)
    expect((await apply.ended).code).toBe(0)
    expect(await nftRules(server)).not.toContain('trial')
    expect((await commands.run('firewall', 'status')).stdout).toMatch(/^base ruleset: kept, since/)
    const dry = await commands.run('firewall', 'apply', '--dry-run', '-c', file, '--allow', 'tcp/80,tcp/443')
    expect(dry.stdout).toMatch(/^\+.*tcp dport 443 accept$/m)
    expect(dry.stdout).not.toMatch(/^-[^-]/m)
    expect(dry.stdout.split('\n').filter((line) => line.includes('dport'))).toEqual(['+\t\ttcp dport 443 accept'])
    const [by] = dry.stdout.split('\n')
    expect(by).toBe(`# Printed by \`postern firewall apply -c ${file} --allow tcp/80,tcp/443 --dry-run\``)
    expect((await commands.run('firewall', 'apply', '--dry-run', '-c', file, '--allow', 'tcp/80')).stdout).toBe(
      'no changes: these rules are in force already\n',
    )

    // A table that is loaded anew is listed behind the others.
    const tables = async (): Promise<readonly string[]> => (await nftRules(server)).split(/^(?=table )/m).toSorted()
    const before = await tables()
    const second = await applying(server, file, '--allow', 'tcp/81', '--timeout', '60s')
    expect(await probe(client, SERVER_4, 81)).toBe('open')
    expect((await commands.run('firewall', 'apply', '-c', file)).stderr).toMatch(/another ruleset is on trial/)
    second.kill('SIGINT')
    await second.line(/not confirmed: it is taken back/)
    expect((await second.ended).code).toBe(1)
    expect(await tables()).toEqual(before)

    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    const daemon = await startKnockd({ host: server, config: CONFIG })
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    await sendKnocks(client, SERVER_4, ['7301', '5401', '8822'])
    await daemon.process.line(/OPEN SESAME/)
    await until('it is open', async () => (await probe(client, SERVER_4, 22)) === 'open')
    expect(await probe(client, SERVER_6, 22)).toBe('refused')
    const removed = await commands.run('firewall', 'remove')
    expect([removed.code, removed.stderr]).toEqual([1, expect.stringMatching(/runs and keeps the guard in force/)])
    await daemon.process.stop()

    expect((await commands.run('firewall', 'remove')).stdout).toBe('the base ruleset and the guard are removed\n')
    expect(await nftRules(server)).toBe('')
    expect(await probe(client, SERVER_4, 3306)).toBe('open')
    const again = await commands.run('firewall', 'remove')
    expect([again.code, again.stdout]).toEqual([
      0,
      'there is no base ruleset and no guard on this machine: nothing to remove\n',
    ])
  })

  // Above, one that goes back to another is interrupted.
  slowly('interrupted it is taken back at once', async () => {
    const { server } = await pair()
    const apply = await applying(server, writeConfig(CONFIG), '--timeout', '60s')
    apply.kill('SIGINT')
    await apply.line(/taken back/)
    expect(await nftRules(server)).toBe('')
  })

  // A terminal that is closed sends SIGHUP.
  test.each(sample(['SIGHUP', 'SIGKILL'] as const, (signal) => signal === 'SIGKILL'))(
    'with its terminal or itself gone (%s), it is taken back all the same',
    async (signal) => {
      const { server, client } = await pair()
      await serveTcp(server, 80)
      const apply = await applying(server, writeConfig(CONFIG), '--timeout', '5s')
      const [keeper] = await keepers(server)
      apply.kill(signal)
      await apply.ended
      expect(await probe(client, SERVER_4, 80)).toBe('refused')
      await until('its keeper has ended', () => !runs(keeper!))
      expect(await nftRules(server)).toBe('')
    },
  )

  // base-confirmed.test.ts kills every process of one that goes back to another.
  slowly('with every process of it killed, the kernel lets everybody in', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 80)
    const apply = await applying(server, writeConfig(CONFIG), '--timeout', '5s')
    for (const pid of await keepers(server)) process.kill(pid, 'SIGKILL')
    apply.kill('SIGKILL')
    await apply.ended
    expect(await keepers(server)).toEqual([])
    expect(await probe(client, SERVER_4, 80)).toBe('refused')
    await until('the port is open', async () => (await probe(client, SERVER_4, 80)) === 'open', 25_000)
    expect(await nftRules(server)).toContain('postern_base')
    await firewall(server, 'remove')
    expect(await nftRules(server)).toBe('')
  })

  // Above, what is not even told of its end is taken back as well.
  slowly('a real terminal that is closed', async () => {
    const { server } = await pair()
    const file = writeConfig(CONFIG)
    const words = [process.execPath, program('postern'), 'firewall', 'apply', '-c', file, '--timeout', '5s'].join(' ')
    const script = spawn('ip', ['netns', 'exec', server.ns, 'script', '-qec', words, '/dev/null'], { stdio: 'pipe' })
    await new Promise<void>((resolve) => {
      script.stdout.on('data', (text: Buffer) => text.includes('on trial') && resolve())
    })
    const [keeper] = await keepers(server)
    // Its end of the terminal goes with it: apply gets SIGHUP.
    script.kill('SIGKILL')
    expect(await nftRules(server)).toContain('postern_base')
    await until('its keeper has ended', () => !runs(keeper!))
    expect(await nftRules(server)).toBe('')
  })

  test('rules of others, and what is no good, change nothing; what print prints is what nft loads', async () => {
    const { server } = await pair()
    const commands = Commands.on(server)
    await nft(
      server,
      'table inet mine { chain in { type filter hook input priority 0; policy drop; iifname "lo" accept; }; }',
    )
    const before = await nftRules(server)
    const file = writeConfig(CONFIG)
    const beside = await commands.run('firewall', 'apply', '-c', file)
    expect([beside.code, beside.stderr]).toEqual([1, expect.stringMatching(/inet mine in, policy drop\n {2}--beside/)])
    const bad = writeConfig('[ssh]\nSequence = 7301,99999\nOpen_Ports = tcp/22\n')
    expect((await commands.run('firewall', 'apply', '-c', bad)).code).toBe(78)
    const nowhere = ['firewall', 'apply', '-c', '/nowhere']
    expect((await asked(nowhere)).code).toBe(78)
    expect((await asked([...nowhere, '--allow', 'tcp/99999'])).code).toBe(2)
    expect((await asked([...nowhere, '--timeout', '1s'])).stderr).toMatch(/--timeout/)
    expect((await commands.run('firewall', 'confirm')).stderr).toMatch(/nothing is on trial/)
    const dry = (await commands.run('firewall', 'apply', '-c', file, '--dry-run')).stdout
    expect(dry).toMatch(/^\+table inet postern_base \{$/m)
    expect(dry).toMatch(/^\+\t\tct state established,related accept$/m)
    expect(dry).not.toMatch(/ct state 0x|protocol \d/)
    expect(await nftRules(server)).toBe(before)
    // What is printed is what nft loads.
    const { stdout } = await commands.run('firewall', 'print', '-c', writeConfig(CONFIG), '--allow', 'tcp/80,udp/53')
    await nft(server, stdout)
    expect(await nftRules(server)).toMatch(/table inet postern_base[^]*tcp dport 80 accept[^]*table inet postern \{/)
  })
})
