// Goal: commands run through the shell, many at once up to a bound, and no command delays others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startByNode } from '../native/node-spawn.ts'
import { startProgram } from '../native/start-program.ts'
import { CommandRunner, OUTPUT_MAX_BYTES, plainWords } from './command.ts'

const WAYS = [
  ['Node.js', startByNode],
  ['the way of this system', startProgram],
] as const

const line = (
  text: string,
  urgent = false,
): { text: string; environment: Record<string, string>; urgent: boolean } => ({
  text,
  environment: { POSTERN_DOOR: 'ssh' },
  urgent,
})

describe.each(WAYS)('%s', (_, start) => {
  const runner = (max?: number, waitingMax?: number, reserved?: number): CommandRunner =>
    new CommandRunner(max, waitingMax, reserved, start)

  test('gives output of both streams, status and environment', async () => {
    const outcome = await runner().run(line('echo "$POSTERN_DOOR"; echo oops >&2; exit 3'))
    expect(outcome).toMatchObject({ kind: 'exited', status: 3 })
    expect((outcome as { output: string }).output.split('\n').sort()).toEqual(['oops', 'ssh'])
  })

  test('tells a signal from an exit status', async () => {
    expect(await runner().run(line('kill -KILL $$'))).toMatchObject({ kind: 'killed', signal: 'SIGKILL' })
  })

  test('keeps a bounded part of the output, and lets the command print more', async () => {
    const outcome = await runner().run(line('head -c 1000000 /dev/zero | tr "\\0" x'))
    expect(outcome).toMatchObject({ kind: 'exited', status: 0 })
    expect((outcome as { output: string }).output).toHaveLength(OUTPUT_MAX_BYTES)
  })

  test('does not wait for what the command leaves running', async () => {
    const before = performance.now()
    const outcome = await runner().run(line('sleep 5 & echo done'))
    expect(outcome).toMatchObject({ kind: 'exited', output: 'done' })
    expect(performance.now() - before).toBeLessThan(4_000)
  })

  test('runs at most its bound of commands at once, closings first, and refuses openings beyond the queue', async () => {
    const bounded = runner(1, 2, 0)
    const order: string[] = []
    const note = async (name: string, urgent: boolean): Promise<void> => {
      const outcome = await bounded.run(line('true', urgent))
      order.push(outcome.kind === 'exited' ? name : outcome.kind)
    }
    const first = note('first', false)
    const waiting = [note('second', false), note('third', false)]
    const refused = note('refused', false)
    const urgent = note('closing', true)
    await Promise.all([first, urgent, refused, ...waiting])
    expect(order).toEqual(['refused', 'first', 'closing', 'second', 'third'])
  })

  test('closings run while openings hang, and idle waits for all of them', async () => {
    const bounded = runner(1)
    const order: string[] = []
    void bounded.run(line('sleep 0.5')).then(() => order.push('hung'))
    void bounded.run(line('true')).then(() => order.push('waiting'))
    void bounded.run(line('true', true)).then(() => order.push('closing'))
    await bounded.idle()
    expect(order).toEqual(['closing', 'hung', 'waiting'])
    await bounded.idle()
  })

  test('a command reads its input, with a shell and without', async () => {
    for (const text of ['/bin/cat', 'cat; true']) {
      expect(await runner().run({ ...line(text), input: 'a\nb' })).toMatchObject({ kind: 'exited', output: 'a\nb' })
    }
  })

  test('a command is killed with its session, before and while it runs', async () => {
    const ending = new AbortController()
    const running = runner().run({ ...line('sleep 30 & sleep 30; true'), ending: ending.signal })
    setTimeout(() => ending.abort(), 100)
    const before = performance.now()
    expect(await running).toMatchObject({ kind: 'killed', signal: 'SIGKILL' })
    expect(await runner().run({ ...line('sleep 30'), ending: ending.signal })).toMatchObject({ kind: 'killed' })
    expect(performance.now() - before).toBeLessThan(20_000)
    const late = new AbortController()
    expect(await runner().run({ ...line('exit 4'), ending: late.signal })).toMatchObject({ kind: 'exited', status: 4 })
    late.abort()
  })

  test.each([
    '/usr/sbin/iptables -I INPUT -s 192.0.2.2 -p tcp ! --dport 22 -j ACCEPT',
    '\t/sbin/ip6tables  -A INPUT -s 2001:db8::2/128 -m comment --comment a=b,c@d ',
  ])('a plain command is split as the shell would split it: %s', async (text) => {
    const outcome = await runner().run(line(`set -- ${text}; for word; do echo "$word"; done`))
    expect(plainWords(text)).toEqual((outcome as { output: string }).output.split('\n'))
  })

  test('a plain command that is missing, or has no interpreter, is left to the shell', async () => {
    expect(await runner().run(line('/nowhere/iptables -L'))).toMatchObject({ kind: 'exited', status: 127 })
    const script = join(mkdtempSync(join(tmpdir(), 'postern-')), 'script')
    writeFileSync(script, 'echo "from $POSTERN_DOOR"\n', { mode: 0o700 })
    expect(await runner().run(line(script))).toMatchObject({ kind: 'exited', output: 'from ssh' })
    rmSync(dirname(script), { recursive: true })
  })
})

test.each([
  'iptables -L',
  '/bin/echo "a b"',
  "/bin/echo 'a'",
  '/bin/echo a; true',
  '/bin/echo a && true',
  '/bin/echo a > /tmp/x',
  '/bin/echo $HOME',
  '/bin/echo *',
  '/bin/echo ~',
  '/bin/echo a # b',
  '/bin/echo a\\ b',
  '/bin/echo `id`',
  '/bin/echo {a,b}',
  '/bin/echo a\nid',
  'A=/b /bin/echo',
])('a command that needs the shell is left to it: %s', (text) => {
  expect(plainWords(text)).toBeUndefined()
})
