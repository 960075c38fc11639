// Goal: commands run through the shell, many at once up to a bound, and nothing they do holds anybody up.
import { expect, test } from 'vitest'
import { CommandRunner, OUTPUT_MAX_BYTES } from './command.ts'

const line = (
  text: string,
  urgent = false,
): { text: string; environment: Record<string, string>; urgent: boolean } => ({
  text,
  environment: { POSTERN_DOOR: 'ssh' },
  urgent,
})

test('gives output of both streams, status and environment', async () => {
  const outcome = await new CommandRunner().run(line('echo "$POSTERN_DOOR"; echo oops >&2; exit 3'))
  expect(outcome).toMatchObject({ kind: 'exited', status: 3 })
  expect((outcome as { output: string }).output.split('\n').sort()).toEqual(['oops', 'ssh'])
})

test('tells a signal from a status', async () => {
  expect(await new CommandRunner().run(line('kill -KILL $$'))).toMatchObject({ kind: 'killed', signal: 'SIGKILL' })
})

test('keeps a bounded part of what is printed, and lets the command print on', async () => {
  const outcome = await new CommandRunner().run(line('head -c 1000000 /dev/zero | tr "\\0" x'))
  expect(outcome).toMatchObject({ kind: 'exited', status: 0 })
  expect((outcome as { output: string }).output).toHaveLength(OUTPUT_MAX_BYTES)
})

test('does not wait for what the command leaves running', async () => {
  const before = performance.now()
  const outcome = await new CommandRunner().run(line('sleep 5 & echo done'))
  expect(outcome).toMatchObject({ kind: 'exited', output: 'done' })
  expect(performance.now() - before).toBeLessThan(4_000)
})

test('runs no more than its bound at once, closings first, and refuses openings beyond what may wait', async () => {
  const runner = new CommandRunner(1, 2, 0)
  const order: string[] = []
  const note = async (name: string, urgent: boolean): Promise<void> => {
    const outcome = await runner.run(line('true', urgent))
    order.push(outcome.kind === 'exited' ? name : outcome.kind)
  }
  const first = note('first', false)
  const waiting = [note('second', false), note('third', false)]
  const refused = note('refused', false)
  const urgent = note('closing', true)
  await Promise.all([first, urgent, refused, ...waiting])
  expect(order).toEqual(['refused', 'first', 'closing', 'second', 'third'])
})

test('closings run though openings hang, and idle waits for them all', async () => {
  const runner = new CommandRunner(1)
  const order: string[] = []
  void runner.run(line('sleep 0.5')).then(() => order.push('hung'))
  void runner.run(line('true')).then(() => order.push('waiting'))
  void runner.run(line('true', true)).then(() => order.push('closing'))
  await runner.idle()
  expect(order).toEqual(['closing', 'hung', 'waiting'])
  await runner.idle()
})
