// Goal: several commands in one shell give what each gives by itself, whatever the others do.
import { expect, test } from 'vitest'
import { run } from './agent.ts'
import { runAll } from './run-all.ts'

test('each command has its own output and exit code, and no input', async () => {
  const commands = ['echo one', 'no-such-program-here', 'cat', 'false', 'printf a\\nb', 'echo *']
  expect(await runAll(run, commands)).toEqual([
    { code: 0, stdout: 'one\n' },
    { code: 127, stdout: '' },
    { code: 0, stdout: '' },
    { code: 1, stdout: '' },
    { code: 0, stdout: 'a\nb' },
    { code: 0, stdout: '*\n' },
  ])
})

test('without commands nothing is run; of a shell that ends early the rest is unknown', async () => {
  expect(await runAll(run, [])).toEqual([])
  const cut = { code: null, stdout: 'one\n\n# exit code 0\ntw', stderr: '' }
  expect(await runAll(async () => await Promise.resolve(cut), ['echo one', 'echo two', 'echo three'])).toEqual([
    { code: 0, stdout: 'one\n' },
    { code: null, stdout: 'tw' },
    { code: null, stdout: '' },
  ])
})
