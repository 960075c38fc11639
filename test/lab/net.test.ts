// Goal: the lab itself can be trusted. What it says is open is open, what it waits for has happened, a wait that fails
// says what it saw, and nothing stays behind.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dropAll, hidePort, inputRules } from './firewall.ts'
import { framesTo } from './flood.ts'
import { sendRaw } from './frames.ts'
import { REAL_KNOCK, startRealKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, lab, namespaces, pair, SERVER_4, SERVER_6, tearDown } from './net.ts'
import { Process, run, runs, until } from './process.ts'
import { canConnect, GREETING, probe, serveTcp, watchWire } from './service.ts'

const own = (): readonly string[] => namespaces().filter((name) => name.startsWith(`postern-${process.pid}-`))

lab('a process', () => {
  test('gives its lines one after the other, and waits for those to come', async () => {
    const shell = new Process(['sh', '-c', 'echo one; echo two >&2; sleep 0.05; echo two; printf three'])
    expect(await shell.line(/^t/)).toBe('two')
    expect(await shell.line(/^two/)).toBe('two')
    expect(await shell.ended).toEqual({ code: 0, signal: null })
    expect(await shell.line(/three/)).toBe('three')
    expect(shell.count(/^two$/)).toBe(2)
    expect(shell.stdout).toBe('one\ntwo\nthree')
  })

  test('that does not say what is waited for fails with what it said', async () => {
    const shell = new Process(['sh', '-c', 'echo nothing of the kind; exec sleep 60'])
    await expect(shell.line(/ready/, 200)).rejects.toThrow(/still running.*\nnothing of the kind/s)
    expect(await shell.stop()).toEqual({ code: null, signal: 'SIGTERM' })
    await expect(shell.line(/ready/)).rejects.toThrow(/ended: SIGTERM/)
  })

  test('that does not heed SIGTERM is killed with its children', async () => {
    const shell = new Process(['sh', '-c', "trap '' TERM; sleep 60 & echo $!; wait; wait"])
    const child = Number(await shell.line(/^\d+$/))
    expect(await shell.stop(100)).toEqual({ code: null, signal: 'SIGKILL' })
    await until('the child is gone', () => !runs(child))
  })

  test('run to completion throws on failure, unless it may fail, and when it takes too long', async () => {
    expect((await run(['sh', '-c', 'cat; exit 3'], { input: 'in', mayFail: true })).code).toBe(3)
    await expect(run(['sh', '-c', 'echo why >&2; exit 3'])).rejects.toThrow(/exit code 3\nwhy/)
    await expect(run(['sleep', '60'], { limitMs: 100 })).rejects.toThrow(/not done within 100 ms/)
  })

  test('that cannot be started throws', async () => {
    await expect(run(['/nonexistent/program'])).rejects.toThrow(/cannot start/)
  })
})

lab('a network', () => {
  let server: Host
  let client: Host
  beforeAll(async () => {
    ;({ server, client } = await pair())
    await serveTcp(server, 22)
  })

  test('is not waited for without a limit when a host does not send, and goes on afterwards', async () => {
    const [frame] = await framesTo(server, [{ from: CLIENT_4, to: SERVER_4, port: 9 }])
    const slow = { device: 'eth0', frames: [frame!, frame!], everyMs: 5_000 }
    await expect(client.resident.ask('frames', slow, -59_900)).rejects.toThrow(/not carried out "frames" in 100 ms/)
    await sendRaw(client, Array<Buffer>(2_500).fill(frame!))
    await expect(sendRaw(client, [frame!], 0, 'eth9')).rejects.toThrow(/cannot send by eth9/)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
  })

  test('carries both families at once, and tells open, refused and silent apart', async () => {
    for (const address of [SERVER_4, SERVER_6]) {
      expect(await probe(client, address, 22)).toBe('open')
      expect(await probe(client, address, 23)).toBe('refused')
    }
    const { stdout } = await client.run(['nc', '-w', '1', SERVER_4, '22'])
    expect(stdout).toBe(`${GREETING}\n`)
  })

  test('hides a port in each way, for both families', async () => {
    const ways = [
      ['drop', 'silent'],
      ['reject', 'refused'],
      ['reset', 'refused'],
    ] as const
    const hides = async ([hiding, look]: (typeof ways)[number]): Promise<void> => {
      const { server: hidden, client: stranger } = await pair()
      await serveTcp(hidden, 22)
      await hidePort(hidden, 22, hiding)
      expect(await probe(stranger, SERVER_4, 22)).toBe(look)
      // On a link without delay an ICMPv6 error comes while connect() holds the socket: the second SYN's one counts.
      expect(await probe(stranger, SERVER_6, 22, hiding === 'reject' ? 1_500 : 500)).toBe(look)
      await hidden.run(['iptables', '-I', 'INPUT', '-s', CLIENT_4, '-p', 'tcp', '--dport', '22', '-j', 'ACCEPT'])
      expect(await canConnect(stranger, SERVER_4, 22)).toBe(true)
      expect(await canConnect(stranger, SERVER_6, 22)).toBe(false)
    }
    await Promise.all(ways.map(hides))
  })

  test('drops everything, and still finds its neighbours', async () => {
    const { server: closed, client: stranger } = await pair()
    await serveTcp(closed, 22)
    await dropAll(closed)
    expect(await inputRules(closed)).toContain('-P INPUT DROP')
    expect(await probe(stranger, SERVER_6, 22)).toBe('silent')
    await closed.run(['ip6tables', '-I', 'INPUT', '-s', CLIENT_6, '-p', 'tcp', '--dport', '22', '-j', 'ACCEPT'])
    expect(await probe(stranger, SERVER_6, 22)).toBe('open')
    expect(await probe(closed, '127.0.0.1', 22)).toBe('open')
  })

  test('shows what passes on the wire', async () => {
    const wire = await watchWire(server, 'udp')
    await client.run(['nc', '-u', '-w', '1', '-q', '0', SERVER_4, '7000'], { input: 'x' })
    expect(await wire.line(/^IP/)).toMatch(`> ${SERVER_4}.7000: `)
  })

  test('runs the real peers', async () => {
    const knockd = await startRealKnockd({
      host: server,
      config: '[options]\n[ssh]\nsequence = 7000,8000:udp\nstart_command = echo %IP% opened\n',
    })
    await client.run([REAL_KNOCK, SERVER_4, '7000', '8000:udp'])
    expect(await knockd.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
  })

  test('goes away with what runs in it', async () => {
    const host = await Host.make('brief')
    // Daemons leave their group and their parent; the namespace still knows them.
    const { stdout } = await host.run(['sh', '-c', 'setsid sleep 60 >/dev/null 2>&1 & echo $!'])
    expect(runs(Number(stdout))).toBe(true)
    await host.remove()
    expect(own()).not.toContain(host.ns)
    await until('the daemon is gone', () => !runs(Number(stdout)))
  })
})

lab('the end of a test file', () => {
  let sleeper: Process
  test('finds namespaces and processes there', async () => {
    const host = await Host.make('last')
    sleeper = host.start(['sleep', '60'])
    expect(own()).toContain(host.ns)
  })

  afterAll(async () => {
    await tearDown()
    expect(own()).toEqual([])
    expect(sleeper.exit).toEqual({ code: null, signal: 'SIGTERM' })
  })
})

lab('a config', () => {
  test('gets its state folder in [options], which is made when it is not there', () => {
    expect(withStateDir('# first\n[Options]\nUseSyslog\n[a]\n', '/s')).toBe(
      '# first\n[Options]\nStateDir = /s\nUseSyslog\n[a]\n',
    )
    expect(withStateDir('[a]\n', '/s')).toBe('[options]\nStateDir = /s\n\n[a]\n')
  })
})
