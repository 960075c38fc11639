// Goal: no reload puts a config in force that would need another start of the daemon.
import { expect, test } from 'vitest'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { refuseReload } from './reload.ts'

const FLEET = '/etc/postern/fleet/fleet.conf'

const configOf = (fleet: string | undefined, scope: string): Config =>
  readConfig(
    `[options]\n${fleet === undefined ? '' : `Fleet = ${fleet}\n`}[ssh]\nSequence = 7431,8020\nOpen_Ports = tcp/22\n${scope}`,
    'k.conf',
  ).config!
const none = configOf(undefined, '')

test.each([
  ['joined at a reload', undefined, FLEET],
  ['another one', FLEET, '/etc/postern/other/fleet.conf'],
])('a door of a fleet that was not joined at the start: %s', async (_, joined, file) => {
  const next = configOf(file, 'Scope = fleet\n')
  const text = 'k.conf:2:1: error: `Fleet` is another one than at the start'
  await expect(refuseReload(none, next, { account: undefined }, joined)).rejects.toThrow(text)
  // Nor in two steps: the file of the fleet first, and then the door.
  const between = configOf(file, '')
  await refuseReload(none, between, { account: undefined }, joined)
  await expect(refuseReload(between, next, { account: undefined }, joined)).rejects.toThrow(text)
})

test('a door joins the fleet of the start, or leaves it', async () => {
  await refuseReload(configOf(FLEET, ''), configOf(FLEET, 'Scope = fleet\n'), { account: undefined }, FLEET)
  await refuseReload(configOf(FLEET, 'Scope = fleet\n'), none, { account: undefined }, FLEET)
})
