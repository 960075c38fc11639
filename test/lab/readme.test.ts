// Goal: the first page can be typed: its config passes `postern check`, and its knock opens the port, which is hidden before.
import { afterEach, expect, test } from 'vitest'
import { readmeConfig, readmeKnock } from '../documents/markdown.ts'
import { looks } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import { SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Process } from './process.ts'
import { writeConfig } from './scratch.ts'
import { GREETING, greeting, probe, serveTcp } from './service.ts'

const running: Process[] = []
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop()
})

lab('the first page', () => {
  test('has a config that is usable', async () => {
    const { server } = await pair()
    const argv = [process.execPath, program('postern'), 'check', writeConfig(readmeConfig())]
    const { code, stdout } = await server.run(argv, { mayFail: true })
    expect(stdout).toMatch(/: usable, 1 door, 1 warning\n/)
    expect(code).toBe(0)
  })

  test.each([
    [SERVER_4, '192.0.2.66'],
    [SERVER_6, '2001:db8::66'],
  ])('has a knock that opens it at %s, and to nobody else', async (address, other) => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const { process: daemon } = await startKnockd({ host: server, config: readmeConfig() })
    running.push(daemon)
    await looks(client, address, 22, 'refused')
    const { code } = await client.run([process.execPath, program('knock'), ...readmeKnock(address)])
    expect(code).toBe(0)
    expect(await greeting(client, address, 22)).toBe(GREETING)
    await client.address('eth0', `${other}/${other.includes(':') ? 64 : 24}`)
    expect(await probe(client, address, 22, undefined, other)).toBe('refused')
  })
})
