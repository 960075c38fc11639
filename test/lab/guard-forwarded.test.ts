// Goal: ports that this machine hands on are guarded like its own: those that Docker publishes, which never come to
// INPUT, those it redirects to other hosts, and those of hosts that it routes to.
import { expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { guardSsh, knockIn, ownRules, postern, reasons, removeGuard } from './guarded.ts'
import { CONTAINER_4, CONTAINER_6, INNER, PUBLISHED, docker, withContainer } from './docker.ts'
import { nft } from './firewall.ts'
import { startKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab } from './net.ts'
import { until } from './process.ts'
import { goesOn, probe, sendKnocks, serveTcp, session } from './service.ts'

/** Rules that hand a port of this machine on. */
function redirect(port: string, to: string): string {
  return `table ip nat { chain prerouting { type nat hook prerouting priority dstnat; tcp dport ${port} dnat to ${to}; }; }`
}

/** A door that stays open while somebody is connected, by the first port of its sequence. */
function extending(name: string, first: number, ports: string): string {
  return `[${name}]\nSequence = ${first},822,9403\nOpen_Ports = ${ports}\nOpen_For = 3s\nExtend_While_Connected = yes\n`
}

lab('ports that Docker publishes', { concurrent: true }, () => {
  const flavours = sample(['nft', 'legacy'] as const, (each) => each === 'nft')
  test.each(flavours)('are hidden and opened (iptables-%s)', async (flavour) => {
    const { server, client, container } = await withContainer()
    await server.run([`iptables-${flavour}-restore`], { input: docker('172.17.0.0/16', CONTAINER_4, '127.0.0.0/8') })
    await server.run([`ip6tables-${flavour}-restore`], { input: docker('fd00:17::/64', CONTAINER_6, '::1/128') })
    const rules = await ownRules(server)
    const view = async (): Promise<readonly string[]> =>
      await Promise.all([
        probe(client, SERVER_4, PUBLISHED),
        probe(client, SERVER_6, PUBLISHED),
        probe(client, SERVER_4, 8081),
        probe(client, SERVER_6, 8081),
      ])
    // A new bridge takes a moment with IPv6.
    await until('all are open', async () => (await view()).every((look) => look === 'open'))
    const daemon = await guardSsh(server, 3, '', `Open_Ports = tcp/${PUBLISHED}`)
    expect(await view()).toEqual(['refused', 'refused', 'open', 'open'])
    for (const address of [SERVER_4, SERVER_6]) {
      const [guarded, closed] = await reasons(client, address, [PUBLISHED, 9_999])
      expect(guarded).toBe(closed)
    }
    await knockIn(client, SERVER_4, daemon.process)
    expect(await view()).toEqual(['open', 'refused', 'open', 'open'])
    const open = await session(client, SERVER_4, PUBLISHED)
    await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: tcp/${PUBLISHED} closed`))
    expect(await view()).toEqual(['refused', 'refused', 'open', 'open'])
    await knockIn(client, SERVER_6, daemon.process)
    expect(await view()).toEqual(['refused', 'open', 'open', 'open'])
    await goesOn(open)
    // What the container asks for itself goes out as before.
    await serveTcp(client, 25)
    expect(await probe(container, CLIENT_4, 25)).toBe('open')
    expect(await probe(container, CLIENT_6, 25)).toBe('open')
    await daemon.process.stop()
    expect(await ownRules(server)).toBe(rules)
    await removeGuard(server)
    expect(await view()).toEqual(['open', 'open', 'open', 'open'])
  })
})

lab('ports of other hosts', { concurrent: true }, () => {
  const ways = [
    ['match', 'refused'],
    ['reset', 'refused'],
    ['drop', 'silent'],
  ] as const
  test.each(sample(ways, ([hiding]) => hiding === 'match'))(
    'that this one routes to are hidden and opened (%s)',
    async (hiding, hidden) => {
      const { server, client, container } = await withContainer()
      await client.ip(`route add 172.17.0.0/16 via ${SERVER_4}`)
      await client.ip(`-6 route add fd00:17::/64 via ${SERVER_6}`)
      await serveTcp(container, 22)
      await serveTcp(server, 22)
      const view = async (): Promise<readonly string[]> =>
        await Promise.all([
          probe(client, CONTAINER_4, 22),
          probe(client, CONTAINER_6, 22),
          probe(client, CONTAINER_4, INNER),
          probe(client, SERVER_4, 22),
        ])
      await until('all are open', async () => (await view()).every((look) => look === 'open'))
      const door = `Open_Ports = tcp/22@${CONTAINER_4}, tcp/22@${CONTAINER_6}`
      const daemon = await guardSsh(server, 3, `Hide_With = ${hiding}`, door)
      expect(await view()).toEqual([hidden, hidden, 'open', 'open'])
      await knockIn(client, SERVER_4, daemon.process)
      expect(await view()).toEqual(['open', hidden, 'open', 'open'])
      const open = await session(client, CONTAINER_4)
      await daemon.process.line(new RegExp(`${CLIENT_4}: ssh: .* closed`))
      expect(await view()).toEqual([hidden, hidden, 'open', 'open'])
      await goesOn(open)
      await knockIn(client, SERVER_6, daemon.process)
      expect(await view()).toEqual([hidden, 'open', 'open', 'open'])
    },
  )

  test('that this one routes or redirects to stay open while somebody is connected, where the door extends', async () => {
    const { server, client, container } = await withContainer()
    await client.ip(`route add 172.17.0.0/16 via ${SERVER_4}`)
    await nft(server, redirect('2222', `${CONTAINER_4}:22`))
    await serveTcp(container, 22)
    const view = async (): Promise<readonly string[]> =>
      await Promise.all([probe(client, CONTAINER_4, 22), probe(client, SERVER_4, 2222)])
    expect(await view()).toEqual(['open', 'open'])
    const routed = extending('routed', 7301, `tcp/22@${CONTAINER_4}, tcp/22@${CONTAINER_6}`)
    const daemon = await startKnockd({ host: server, config: routed + extending('redirected', 7302, 'tcp/2222') })
    expect(await view()).toEqual(['refused', 'refused'])
    const opens = async (address: string, first: string, name: string): Promise<void> => {
      await sendKnocks(client, address, [first, '822', '9403'])
      await daemon.process.line(new RegExp(`${name}: .* open for`))
    }
    await opens(SERVER_4, '7301', 'routed')
    expect(await view()).toEqual(['open', 'refused'])
    await opens(SERVER_4, '7302', 'redirected')
    expect(await view()).toEqual(['open', 'open'])
    await session(client, CONTAINER_4, 22)
    await session(client, SERVER_4, 2222)
    await opens(SERVER_6, '7301', 'routed')
    await opens(SERVER_6, '7302', 'redirected')
    // Opened later and with nobody connected, these close at the end of their time.
    for (const name of ['routed', 'redirected']) {
      const closed = new RegExp(`${CLIENT_6}: ${name}: .* closed`)
      await until(`${name} is closed`, () => daemon.process.count(closed) > 0)
    }
    expect(await view()).toEqual(['open', 'open'])
    expect(daemon.process.count(new RegExp(`${CLIENT_4}: .* closed`))).toBe(0)
    await postern(server, daemon, 'close', '--all')
    expect(await view()).toEqual(['refused', 'refused'])
  })
})
