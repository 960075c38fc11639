// Goal: whoever flushes, reloads or edits the rules, the guard is back at once, with what is open and for as long as it
// was to be; and the log says so.
import { describe, expect, test } from 'vitest'
import { REPAIRS_BURST } from '../../src/daemon/repairs.ts'
import { nft } from './firewall.ts'
import { guardSsh, knockIn, looks, sshConfig, timesLeft } from './guarded.ts'
import { SharedDaemon } from './one-daemon.ts'
import { CLIENT_4, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { goesOn, probe, serveTcp, session } from './service.ts'

const shared = new SharedDaemon()
const BACK = /^another program took the guard out of the rules: it is back, with (\d+) openings?$/
const RULES = `table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    tcp dport { 22, 80 } accept
  }
}
`

/** Ways to take the guard out of the rules, wholly or in part. */
const WAYS: readonly (readonly [string, (host: Host) => Promise<unknown>])[] = [
  ['nft flush ruleset', async (host) => await nft(host, 'flush ruleset')],
  ['the reload of an nftables.conf', async (host) => await nft(host, `flush ruleset\n${RULES}`)],
  ['nft delete table', async (host) => await nft(host, 'delete table inet postern')],
  ['nft flush table', async (host) => await nft(host, 'flush table inet postern')],
  ['a rule of somebody else in the table', async (host) => await nft(host, 'insert rule inet postern guard accept')],
  ['a rule taken out', async (host) => await nft(host, 'flush chain inet postern stranger')],
]

// On a network of its own, at the same time as what shares one.
lab('the guard', { concurrent: true }, () => {
  test('is put back by a knock that comes before the news', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await guardSsh(server, 60)
    // More than are put back without a pause, so that the last ones wait, and a knock comes first.
    const flushes = REPAIRS_BURST + 3
    for (let times = 0; times < flushes; times++) {
      await nft(server, 'flush ruleset')
      await knockIn(client, SERVER_4, daemon.process)
      await looks(client, SERVER_4, 22, 'open')
    }
    expect(await probe(client, SERVER_6, 22)).toBe('refused')
    // Those that a knock put back are said as well.
    await until('all of it is said', () => daemon.process.count(BACK) === flushes)
  })
})

lab('on one network', { concurrent: true }, () => {
  describe.sequential('the guard', () => {
    test('is back after each way to take it out, with the time that was left', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      await nft(server, RULES)
      await knockIn(client, SERVER_4, daemon.process)
      let before = [...(await timesLeft(server)).values()][0]!
      for (const [way, take] of WAYS) {
        await take(server)
        expect(BACK.exec(await daemon.process.line(BACK))?.[1], way).toBe('1')
        expect(await probe(client, SERVER_4, 22), way).toBe('open')
        expect(await probe(client, SERVER_6, 22), way).not.toBe('open')
        const [left, ...more] = (await timesLeft(server)).values()
        expect(more, way).toEqual([])
        expect(left, way).toBeLessThanOrEqual(before)
        expect(left, way).toBeGreaterThan(1_000)
        before = left!
      }
      expect(daemon.process.count(BACK)).toBe(WAYS.length)
      await nft(server, 'delete table inet filter')
    })

    test('is left alone by rules that are none of its business', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      for (const iptables of ['iptables', 'ip6tables']) {
        await server.run([iptables, '-A', 'INPUT', '-p', 'tcp', '--dport', '80', '-j', 'ACCEPT'])
        await server.run([iptables, '-F'])
        await server.run([iptables, '-t', 'nat', '-F'])
        await server.run([iptables, '-X'])
      }
      await nft(server, RULES)
      await nft(server, 'delete table inet filter')
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      expect(await probe(client, SERVER_6, 22)).toBe('refused')
      expect(daemon.process.count(/guard/)).toBe(0)
    })

    test('keeps established connections through a flush', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(2))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      const inside = await session(client, SERVER_4)
      await nft(server, 'flush ruleset')
      await daemon.process.line(BACK)
      await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: tcp/22 closed`))
      await goesOn(inside)
    })

    test('closes on time what was put back, also with the daemon killed', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(4))
      await serveTcp(server, 22)
      const begun = performance.now()
      await knockIn(client, SERVER_4, daemon.process)
      await nft(server, 'flush ruleset')
      await daemon.process.line(BACK)
      daemon.process.kill('SIGKILL')
      await daemon.process.ended
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      await looks(client, SERVER_4, 22, 'refused')
      expect(performance.now() - begun).toBeGreaterThanOrEqual(4_000)
    })
  })
})
