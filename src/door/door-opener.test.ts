// Goal: a door opens by the guard, by commands or by both, and is logged as open once. A door with neither is only
// logged.
import { expect, test } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { DoorOpener } from './door-opener.ts'
import type { Grant } from './grant.ts'
import { BY_HAND } from './held.ts'
import type { OpeningStatus } from '../control/message.ts'
import type { Opener } from './opener.ts'

const doorOf = (lines: string): Door => readConfig(`[d]\nSequence = 1,2\n${lines}`, 'k').config!.doors[0]!
const PORTS = doorOf('Open_Ports = tcp/22\n')
const COMMANDS = doorOf('Start_Command = start\n')
const BOTH = { ...COMMANDS, opens: PORTS.opens }
const NEITHER = { ...PORTS, opens: [] }

/** Notes what is opened, and what is said of it. */
async function opening(door: Door, shut = '', more: Partial<Grant> = {}): Promise<readonly [boolean, string[]]> {
  const notes: string[] = []
  const openerOf = (name: string): Opener => ({
    open: async (_, opened) => {
      notes.push(name)
      if (name === shut) return false
      opened()
      return true
    },
    count: 0,
    list: () => [],
    close: async () => 0,
    release: async () => undefined,
  })
  const opener = new DoorOpener(openerOf('ports'), openerOf('commands'))
  const grant: Grant = { door, source: parseAddress('192.0.2.7')!, ms: 1, holder: 'mark', protocol: TCP, port: 1 }
  return [await opener.open({ ...grant, ...more }, () => void notes.push('opened')), notes]
}

const commands = { start: 'other', stop: undefined }

test.each<[string, Parameters<typeof opening>, boolean, readonly string[]]>([
  ['ports', [PORTS], true, ['ports', 'opened']],
  ['ports that stay shut', [PORTS, 'ports'], false, ['ports']],
  ['commands', [COMMANDS], true, ['commands', 'opened']],
  ['commands that stay shut', [COMMANDS, 'commands'], false, ['commands']],
  ['both, said once', [BOTH], true, ['ports', 'opened', 'commands']],
  ['both, but the ports stay shut', [BOTH, 'ports'], true, ['ports', 'commands', 'opened']],
  ['both, but no command runs', [BOTH, 'commands'], true, ['ports', 'opened', 'commands']],
  ['both by hand, but the ports stay shut', [BOTH, 'ports', { holder: BY_HAND }], false, ['ports']],
  ['other commands than the door’s', [BOTH, '', { commands }], true, ['commands', 'opened']],
  ['neither', [NEITHER], true, ['opened']],
])('%s', async (_, of, isOpen, notes) => {
  expect(await opening(...of)).toEqual([isOpen, notes])
})

function holding(...names: readonly string[]): Opener {
  return {
    count: names.length,
    list: (max = Infinity) => names.slice(0, Math.max(0, max)).map((door) => ({ door }) as OpeningStatus),
  } as unknown as Opener
}

test('openings of ports come first in a list that is cut, and all are counted', () => {
  const opener = new DoorOpener(holding('a', 'b'), holding('c'))
  expect(opener.count).toBe(3)
  for (const max of [0, 1, 2, 3, 4]) {
    expect(opener.list(max).map(({ door }) => door)).toEqual(['a', 'b', 'c'].slice(0, max))
  }
  expect(opener.list()).toHaveLength(3)
})
