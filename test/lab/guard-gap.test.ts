// Goal: whoever takes the guard out of the rules for a moment lets nobody in for longer than that moment. What was let in
// before goes on. The daemon is held still while the guard is away, so that the moment is as long as an attacker wishes.
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nft } from './firewall.ts'
import { guardSsh, knockIn, looks, postern, sshConfig, statusOf, timesLeft } from './guarded.ts'
import { MODULES } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link, pair } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import type { Socket } from './resident.ts'
import { connectTo, goesOn, probe, serveTcp, serveUdp, session, talkUdp } from './service.ts'

/** For tests that leave no rules of others behind. */
const shared = new SharedDaemon()
const BACK = /another program took the guard out of the rules: it is back/
/** An address beside the client's on its own host, of which nobody has knocked. */
const STRANGER_4 = '192.0.2.66'
/** Rules that track connections, as most machines have; without any, nothing is tracked while the guard is away. */
const TRACKING = `table inet filter {
  chain input {
    type filter hook input priority 0; policy accept;
    ct state established,related accept
  }
}
`

/** Rules that track nothing of what others say to the service of the host behind. */
const UNTRACKED = `table inet raw {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    ip daddr 198.51.100.7 tcp dport 22 notrack
  }
}
`

/** TCP connections that a host's services on a port have, by the other end. */
async function connected(server: Host, port: number): Promise<readonly string[]> {
  const { stdout } = await server.run(['ss', '-Htn', 'state', 'established', `( sport = :${port} )`])
  return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[3] ?? [])
}

/** Flushes the rules, has something happen before the daemon knows of it, and waits until the guard is back. */
async function gap(server: Host, daemon: Knockd, meanwhile: () => Promise<void>, rules = ''): Promise<void> {
  daemon.process.kill('SIGSTOP')
  await nft(server, `flush ruleset\n${rules}`)
  await meanwhile()
  daemon.process.kill('SIGCONT')
  await daemon.process.line(BACK)
}

/** Ends the connection from a port of the client to port 22, by its socket's number. */
const DESTROY = `
const [library, address, peer, port, inode] = process.argv.slice(1)
const words = (text) => ({ family: 4, a: text.split('.').reduce((sum, each) => (sum << 8) | Number(each), 0), b: 0, c: 0, d: 0 })
import(library).then(({ destroyConnections }) => {
  const ends = { local: { address: words(address), port: 22 }, peer: words(peer), peerPort: Number(port), inode: Number(inode) }
  console.log('refused: ' + destroyConnections([ends]))
})
`

/** Begins connections without a pause, and keeps those that come about. */
const HAMMER = `
const net = require('node:net')
const kept = new Set()
let tries = 0
const next = () => {
  const socket = net.connect(22, process.argv[1])
  socket.on('connect', () => kept.add(socket))
  socket.on('error', () => {})
  socket.on('close', () => kept.delete(socket))
  if (++tries % 100 === 0) console.log('tried')
}
setInterval(() => { for (let count = 0; count < 4 && kept.size < 200; count++) next() }, 2)
`

/** Says `on` to everybody, twenty times a second, unasked. */
const TICKER = `
require('node:net').createServer((socket) => {
  socket.on('error', () => {})
  const timer = setInterval(() => socket.write('on' + String.fromCharCode(10)), 50)
  socket.on('close', () => clearInterval(timer))
}).listen(22, '::', () => console.log('ready'))
`

/** Says `on` over UDP to whoever has said something once, twenty times a second. */
const UDP_TICKER = `
const socket = require('node:dgram').createSocket('udp4')
let tick
socket.on('message', (said, { port, address }) => {
  tick ??= setInterval(() => socket.send('on', port, address, () => console.log('said')), 50)
})
socket.bind(5000, () => console.log('ready'))
`

/** The flags with which a SYN from that port is answered, once nobody is connected from it any more. */
async function answerTo(server: Host, client: Host, port: number): Promise<string | undefined> {
  const isFree = async (): Promise<boolean> => !(await connected(server, 22)).some((peer) => peer.endsWith(`:${port}`))
  await until('nobody is connected from the port', isFree)
  // The client's own TCP would keep the port to itself for a while.
  const argv = ['hping3', '-c', '1', '-S', '-k', '-s', String(port), '-p', '22', SERVER_4]
  return /flags=(\w+)/.exec((await client.run(argv, { mayFail: true })).stdout)?.[1]
}

/** Waits until all sessions have gone on. */
async function allGoOn(sessions: readonly Socket[]): Promise<void> {
  await Promise.all(sessions.map(goesOn))
}

/** A service that says `on` unasked: {@link TICKER}, or another one. */
async function tick(host: Host, ticker = TICKER): Promise<Process> {
  const service = host.start([process.execPath, '-e', ticker])
  await service.line(/^ready$/)
  return service
}

/** A connection to the service of the host behind, which has said something, and its own port. */
async function hear(client: Host, source: string): Promise<{ readonly socket: Socket; readonly ownPort: number }> {
  const heard = await connectTo(client, { address: '198.51.100.7', port: 22, source }, '')
  await heard.socket.line(/^on$/)
  return heard
}

/** Waits until a connection hears nothing while another one goes on. */
async function hearsNoMore(one: Socket, other: Socket): Promise<void> {
  await until('it hears no more', async () => {
    const before = one.count(/^on$/)
    await goesOn(other)
    return one.count(/^on$/) === before
  })
}

/** Has others track connections from the service's next packets on, so that the host behind seems to begin them. */
async function trackFromService(server: Host, ports: readonly number[]): Promise<void> {
  const tracked = async (words: string): Promise<boolean> => {
    const { stdout } = await server.run(['cat', '/proc/net/nf_conntrack'])
    const from = (port: number): RegExp =>
      new RegExp(` src=198\\.51\\.100\\.7 dst=\\S+ sport=22 dport=${port} ${words}`)
    return ports.every((port) => from(port).test(stdout))
  }
  await nft(server, `${UNTRACKED}${TRACKING}`)
  await until('the service has spoken', async () => await tracked('\\[UNREPLIED\\] '))
  await nft(server, 'delete table inet raw')
  await until('it was answered', async () => await tracked('src='))
}

/** The host behind the server, on the network that tests share. */
let behind: Host | undefined

/**
 * A host behind the server, 198.51.100.7, to which the client finds its way, under a stranger's address too. Nothing that
 * earlier tests made serves there.
 */
async function hostBehind(server: Host, client: Host): Promise<Host> {
  if (behind !== undefined) {
    await behind.resident.close()
    return behind
  }
  behind = await Host.make('inner')
  await link(
    { host: server, device: 'eth1', addresses: ['198.51.100.1/24'] },
    { host: behind, addresses: ['198.51.100.7/24'] },
  )
  await behind.ip('route add default via 198.51.100.1')
  await client.ip(`route add 198.51.100.0/24 via ${SERVER_4}`)
  await client.address('eth0', `${STRANGER_4}/24`)
  await server.sysctl('net.ipv4.ip_forward', 1)
  return behind
}

// On networks of their own, at the same time as what shares one.
lab.each([
  ['nothing else tracks connections', ''],
  ['other rules track connections', TRACKING],
])('while the guard is away, where %s,', { concurrent: true }, (_, rules) => {
  test('a stranger who connects has no session once it is back, and whoever was let in has', async () => {
    const { server, client } = await pair()
    await client.address('eth0', `${STRANGER_4}/24`)
    await serveTcp(server, 22)
    await nft(server, rules)
    // Before the guard, as an operator at work; in an opening that is over; and in one that is not.
    const port = 40_001
    const operator = await session(client, SERVER_6)
    const before = await session(client, SERVER_4, 22, { sourcePort: port })
    const daemon = await guardSsh(server, 600)
    await knockIn(client, SERVER_4, daemon.process)
    const earlier = await session(client, SERVER_4)
    await postern(server, daemon, 'close', '--all')
    await postern(server, daemon, 'open', 'ssh', '--source', CLIENT_4, '--for', '10m')
    const owner = await session(client, SERVER_4)
    const letIn = [operator, before, earlier, owner]
    const intruders: Socket[] = []
    await gap(
      server,
      daemon,
      async () => {
        for (let count = 0; count < 3; count++)
          intruders.push(await session(client, SERVER_4, 22, { source: STRANGER_4 }))
        // One keeps silent.
        const { socket } = await connectTo(client, { address: SERVER_4, port: 22, source: STRANGER_4 }, '')
        await socket.line(/hello/)
        intruders.push(socket)
        // The opening that is not over is this one's too.
        letIn.push(await session(client, SERVER_4))
      },
      rules,
    )
    await until('the strangers are out', () => intruders.every((each) => each.count(/^out$/) === 1))
    expect((await connected(server, 22)).filter((peer) => peer.includes(STRANGER_4))).toEqual([])
    await daemon.process.line(/4 connections that began while the guard was away were ended/)
    await allGoOn(letIn)
    // Not even when the opening is over in which they began.
    await postern(server, daemon, 'close', '--all')
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    await allGoOn(letIn)
    // Who was there before the guard has to knock when beginning anew from the same port.
    expect((await server.run(['nft', 'list', 'set', 'inet', 'postern', 'kept4'])).stdout).toContain(String(port))
    await before.stop()
    expect(await answerTo(server, client, port)).toBe('RA')
  })
})

lab('on one network', { concurrent: true }, () => {
  describe.sequential('while the guard is away', () => {
    test('a stranger who hammers at the port has no session a moment later', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60))
      await serveTcp(server, 22)
      const hammer = client.start([process.execPath, '-e', HAMMER, SERVER_4])
      await hammer.line(/^tried$/)
      for (let times = 0; times < 3; times++) {
        await nft(server, 'flush ruleset')
        await daemon.process.line(BACK)
      }
      // However many came in.
      await until('the service has nobody', async () => (await connected(server, 22)).length === 0)
      await hammer.line(/^tried$/)
      expect(await connected(server, 22)).toEqual([])
      // Only a hammer that gets in without the guard says anything.
      await gap(server, daemon, async () => {
        await until('it gets in', async () => (await connected(server, 22)).length > 0)
      })
      await hammer.stop()
    })

    test('a stranger gets no session with what this machine hands on, where others track connections', async () => {
      const { server, client, daemon } = await shared.with(
        sshConfig(600, '', 'Open_Ports = tcp/2222, tcp/22@198.51.100.7'),
      )
      const inner = await hostBehind(server, client)
      await serveTcp(inner, 22)
      const rules = `${TRACKING}
      table ip nat { chain prerouting { type nat hook prerouting priority dstnat; tcp dport 2222 dnat to 198.51.100.7:22; }; }`
      await nft(server, rules)
      await knockIn(client, SERVER_4, daemon.process)
      const from = { source: CLIENT_4 }
      const owners = [await session(client, SERVER_4, 2222, from), await session(client, '198.51.100.7', 22, from)]
      await postern(server, daemon, 'close', '--all')
      const intruders: Socket[] = []
      await gap(
        server,
        daemon,
        async () => {
          intruders.push(await session(client, SERVER_4, 2222, { source: STRANGER_4 }))
          intruders.push(await session(client, '198.51.100.7', 22, { source: STRANGER_4 }))
        },
        rules,
      )
      await until('the strangers are out', () => intruders.every((each) => each.count(/^out$/) === 1))
      await allGoOn(owners)
      await nft(server, 'delete table inet filter; delete table ip nat')
    })

    test('a stranger hears no more of a host behind, where nothing is tracked meanwhile', async ({
      onTestFinished,
    }) => {
      const { server, client, daemon } = await shared.with(sshConfig(600, '', 'Open_Ports = tcp/22@198.51.100.7'))
      const inner = await hostBehind(server, client)
      const service = await tick(inner)
      onTestFinished(async () => void (await service.stop()))
      await knockIn(client, SERVER_4, daemon.process)
      const { socket: owner } = await hear(client, CLIENT_4)
      await postern(server, daemon, 'close', '--all')
      let intruder: Socket | undefined
      // It never speaks: the service goes on by itself, and that would make what nothing has tracked an established flow.
      await gap(server, daemon, async () => void (intruder = (await hear(client, STRANGER_4)).socket))
      await hearsNoMore(intruder!, owner)
      await goesOn(owner)
    })

    test.for(['reset', 'drop'])(
      'a stranger hears no more of a host behind that is taken for the one who began it, with %s',
      async (how, { onTestFinished }) => {
        const { server, client, daemon } = await shared.with(
          sshConfig(600, `Hide_With = ${how}`, 'Open_Ports = tcp/22-30000@198.51.100.7'),
        )
        const inner = await hostBehind(server, client)
        await serveTcp(client, 2222)
        const service = await tick(inner)
        onTestFinished(async () => {
          await service.stop()
          await nft(
            server,
            'add table inet raw; delete table inet raw; add table inet filter; delete table inet filter',
          )
        })
        await knockIn(client, SERVER_4, daemon.process)
        const owners = [(await hear(client, CLIENT_4)).socket]
        let intruder: Socket | undefined
        await gap(server, daemon, async () => {
          // The opening is not over.
          const heard = [await hear(client, CLIENT_4), await hear(client, STRANGER_4)] as const
          await trackFromService(
            server,
            heard.map(({ ownPort }) => ownPort),
          )
          owners.push(heard[0].socket)
          intruder = heard[1].socket
          // The host behind really begins one itself, from a port that is hidden.
          owners.push(await session(inner, STRANGER_4, 2222, { sourcePort: 30_000 }))
        })
        await hearsNoMore(intruder!, owners[1]!)
        await daemon.process.line(/began while the guard was away (was|were) ended/)
        await allGoOn(owners)
        // Not even when the opening is over, and the guard is away once more.
        await postern(server, daemon, 'close', '--all')
        await gap(server, daemon, async () => undefined, TRACKING)
        await allGoOn(owners)
        await hearsNoMore(intruder!, owners[1]!)
      },
    )

    test('a stranger hears no more of a host behind over UDP, where others track connections', async ({
      onTestFinished,
    }) => {
      const { server, client, daemon } = await shared.with(sshConfig(60, '', 'Open_Ports = udp/5000@198.51.100.7'))
      const inner = await hostBehind(server, client)
      const service = await tick(inner, UDP_TICKER)
      onTestFinished(async () => {
        await service.stop()
        await nft(server, 'delete table inet filter')
      })
      const talk = await talkUdp(client, '198.51.100.7', 5000, 40_000)
      await gap(server, daemon, async () => void (await talk.line(/^on$/)), TRACKING)
      await until('it hears no more', async () => {
        const [before, said] = [talk.count(/^on$/), service.count(/^said$/)]
        await until('more was said', () => service.count(/^said$/) > said + 3)
        return talk.count(/^on$/) === before
      })
      await daemon.process.line(/a connection that began while the guard was away was ended/)
      // Whoever knocks hears it.
      await knockIn(client, SERVER_4, daemon.process)
      const before = talk.count(/^on$/)
      await until('it is heard', () => talk.count(/^on$/) > before)
    })

    test('a flow over UDP that a stranger began does not go on', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(60, '', 'Open_Ports = udp/5000'))
      await nft(server, TRACKING)
      await serveUdp(server, 5000)
      const talk = await talkUdp(client, SERVER_4, 5000, 40_000)
      await talk.line(/^sent$/)
      expect(talk.count(/^again/)).toBe(0)
      await gap(server, daemon, async () => void (await talk.line(/^again/)), TRACKING)
      await until('nothing comes back', async () => {
        const before = talk.count(/^again/)
        const sent = talk.count(/^sent$/)
        await until('more was sent', () => talk.count(/^sent$/) > sent + 3)
        return talk.count(/^again/) === before
      })
      await daemon.process.line(/a connection that began while the guard was away was ended/)
      // Whoever knocks is heard, from the same port too.
      await knockIn(client, SERVER_4, daemon.process)
      await talk.line(/^again/)
      await nft(server, 'delete table inet filter')
    })
  })
  describe.sequential('to end a connection', () => {
    test('ends nothing else: neither another one from the same port, nor the service itself', async () => {
      const { server, client } = await shared.with('[none]\nSequence = 7301,822\nCommand = true\n')
      await serveTcp(server, 22)
      const destroy = async (port: string, inode: string): Promise<void> => {
        const library = join(MODULES, 'native', 'sock-diag.js')
        const argv = [process.execPath, '-e', DESTROY, library, SERVER_4, CLIENT_4, port, inode]
        expect((await server.run(argv)).stdout).toBe('refused: undefined\n')
      }
      // Asked for a connection that is gone, the kernel names the listening socket.
      await destroy('40001', '0')
      const inside = await session(client, SERVER_4, 22, { sourcePort: 40_001 })
      await destroy('40001', '1')
      await goesOn(inside)
      const { stdout } = await server.run(['ss', '-Htne', 'state', 'established', '( sport = :22 )'])
      await destroy('40001', /\bino:(\d+)/.exec(stdout)![1]!)
      await until('it is out', () => inside.count(/^out$/) === 1)
      expect(await probe(client, SERVER_4, 22)).toBe('open')
    })
  })

  describe.sequential('the openings', () => {
    test('are put back when another program empties their set, or puts an old copy of the table in place', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(600))
      await serveTcp(server, 22)
      // An old copy: of a time when somebody else had an opening, and nobody has one now.
      await postern(server, daemon, 'open', 'ssh', '--source', CLIENT_6, '--for', '10m')
      const copy = (await server.run(['nft', 'list', 'ruleset'])).stdout
      expect(copy).toContain(CLIENT_6)
      await postern(server, daemon, 'close', '--all')
      await knockIn(client, SERVER_4, daemon.process)
      for (const script of [
        'flush set inet postern open4',
        `delete element inet postern open4 { ${CLIENT_4} . tcp . 22 }`,
        `flush ruleset\n${copy}`,
        `add element inet postern open6 { ${CLIENT_6} . tcp . 22 timeout 10m }`,
      ]) {
        await nft(server, script)
        await daemon.process.line(BACK)
        await looks(client, SERVER_4, 22, 'open')
        expect([...(await timesLeft(server)).keys()].join(), script).toMatch(new RegExp(`^open4[^,]*"${CLIENT_4}"`))
        expect(await probe(client, SERVER_6, 22), script).toBe('refused')
        const { guard, openings } = await statusOf(server, daemon)
        expect(guard!.fault).toBeUndefined()
        expect(openings).toHaveLength(1)
      }
    })

    test('are said to be in doubt by status for as long as the guard is away', async () => {
      const { server, daemon } = await shared.with(sshConfig(60))
      const fight = server.start(['sh', '-c', 'while :; do nft flush ruleset; sleep 0.05; done'])
      await until('status says so', async () => {
        const { stdout } = await postern(server, daemon, 'status')
        return /guard: not in force: another program removed it/.test(stdout)
      })
      const before = daemon.process.count(BACK)
      const begun = performance.now()
      await until('the fight goes on', () => daemon.process.count(BACK) >= before + 3)
      // A walking pace: at most one a second, and what the burst has left.
      expect(performance.now() - begun).toBeGreaterThan(1_500)
      await fight.stop()
      await until('it is in force again', async () => {
        const { stdout } = await postern(server, daemon, 'status')
        return /guard: hides tcp\/22/.test(stdout) && !/not in force/.test(stdout)
      })
    })
  })

  describe.sequential('who was let in once', () => {
    test('has to knock again from the same port after a reload, a repair or a restart', async () => {
      const { server, client, daemon } = await shared.with(sshConfig(600))
      await serveTcp(server, 22)
      await knockIn(client, SERVER_4, daemon.process)
      const ways = ['a reload', 'a repair', 'a restart'] as const
      const ports = ways.map((_, index) => 40_001 + index)
      const inside = await Promise.all(
        ports.map(async (sourcePort) => await session(client, SERVER_4, 22, { sourcePort })),
      )
      await postern(server, daemon, 'close', '--all')
      for (const [index, way] of ways.entries()) {
        if (way === 'a reload') {
          daemon.process.kill('SIGHUP')
          await daemon.process.line(/re-reading config/)
        } else if (way === 'a repair') await gap(server, daemon, async () => undefined)
        else {
          await daemon.process.stop()
          await shared.again()
        }
        await allGoOn(inside.slice(index))
        for (const set of ['kept4', 'kept6']) {
          expect((await server.run(['nft', 'list', 'set', 'inet', 'postern', set])).stdout, way).not.toContain(
            'elements',
          )
        }
        await inside[index]!.stop()
        expect(await answerTo(server, client, ports[index]!), way).toBe('RA')
      }
    })
  })
})
