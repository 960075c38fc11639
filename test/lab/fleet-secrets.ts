// Secrets of every kind for the doors of a fleet, the files that hosts need for them, and the packets that present them, each secret under
// an address of its own: so the lines of all hosts and their firewalls tell what opened where.
import { createHmac } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFolder, statePath } from '../../src/daemon/state-path.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import type { Segment } from '../packets/build.ts'
import { SLOW } from '../slow.ts'
import { SERVER_SECRET, fwknop, knockknock, ours } from './single-packets.ts'
import type { Kind } from './single-packets.ts'
import { openFolder, shareAll } from './privileged.ts'

/** The doors, one for each kind of secret. */
export const DOORS = ['code', 'list', 'made', 'postern', 'fwknop', 'knockknock'] as const
export type Door = (typeof DOORS)[number]

const SINGLE: Readonly<Partial<Record<Door, Kind>>> = { postern: ours, fwknop, knockknock }
/** A period in which a run ends. */
const PERIOD_S = 3_600
const SEQUENCES = SLOW ? 900 : 150
/** Longer than a run takes. */
const OPEN_S = 7_200
/** Above the ports of codes. */
const FIRST_PORT = 40_000
/** Addresses in one byte of a source. */
const HOSTS_IN_BYTE = 250

/** A secret as it is presented. */
export interface Presented {
  readonly door: Door
  /** No other secret is presented under it. */
  readonly source: string
  /** The packets, without their destination. */
  readonly packets: readonly Segment[]
  readonly madeAt: number
}

/** The files of a host's daemon. */
export interface SecretFiles {
  /** Lines of the config behind those of `[options]`. */
  readonly config: string
  /** Puts the list that the daemon would make into its state. */
  readonly before: (file: string, stateDir: string) => void
}

const totpOf = (number: number): TotpSecret => ({
  key: createHmac('sha1', 'chaos').update(String(number)).digest(),
  algorithm: 'SHA1',
  digits: 8,
  periodS: PERIOD_S,
})

const sequence = (number: number, at: number): readonly number[] =>
  [0, 1, 2].map((index) => FIRST_PORT + at + 10 * ((number * 7 + index * 331) % 1_000))
const listText = (at: number): string =>
  Array.from({ length: SEQUENCES }, (_, number) => ` ${sequence(number, at).join()}\n`).join('')

/** All secrets, in the order in which they are presented. */
export class FleetSecrets {
  readonly #counts = new Map<Door, number>()

  /**
   * Writes the files of a host.
   *
   * @param group of the daemon's `User`; `undefined`: the daemon is root's
   */
  files(group: string | undefined, interfaces: readonly string[]): SecretFiles {
    const folder = openFolder('secrets')
    const put = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return join(folder, name)
    }
    const users = Array.from({ length: SEQUENCES }, (_, at) => `u${at} ${secretUri(totpOf(at), 'lab', `u${at}`)}\n`)
    const key = put('server.key', `${formatKey('postern-server-secret', SERVER_SECRET)}\n`)
    const doors: Readonly<Record<Door, string>> = {
      code: `Users = ${put('users', users.join(''))}`,
      list: `One_Time_Sequences = ${put('list', listText(1))}`,
      made: 'One_Time_Sequences = generate',
      postern: ours.config(),
      fwknop: fwknop.config(`FW_ACCESS_TIMEOUT ${OPEN_S}\n`),
      knockknock: knockknock.config(),
    }
    const texts = DOORS.map(
      (door) => `[${door}]\nScope = fleet\n${doors[door]}\nOpen_Ports = tcp/22\nOpen_For = ${OPEN_S}s\n`,
    )
    if (group !== undefined) {
      for (const path of texts.join('').matchAll(/= (\/.*)/g)) shareAll(path[1]!, group)
      shareAll(folder, group)
      // The daemon marks what was used.
      chmodSync(join(folder, 'list'), 0o660)
    }
    return {
      config: `SPA_Key_File = ${key}\n${texts.join('')}`,
      before: (file, stateDir) => {
        const lists = listFolder(statePath(stateDir, file, interfaces))
        mkdirSync(lists, { recursive: true, mode: 0o700 })
        writeFileSync(join(lists, 'made'), `# list: lab\n${listText(2)}`, { mode: 0o600 })
      },
    }
  }

  /** Makes the next secret of a door. */
  next(door: Door): Presented {
    const number = this.#counts.get(door) ?? 0
    this.#counts.set(door, number + 1)
    const high = Math.floor(number / HOSTS_IN_BYTE)
    const source = `10.${100 + DOORS.indexOf(door)}.${high}.${1 + (number % HOSTS_IN_BYTE)}`
    const kind = SINGLE[door]
    const packets =
      kind === undefined
        ? portsOf(door, number).map((port) => ({ from: source, port }))
        : [{ ...kind.honest(number, source, door), from: source }]
    return { door, source, packets, madeAt: Date.now() }
  }
}

function portsOf(door: Door, number: number): readonly number[] {
  if (door === 'list') return sequence(number, 1)
  if (door === 'made') return sequence(number, 2)
  const secret = totpOf(number)
  return knocksOfCode(codeOf(secret, periodAt(secret, Date.now()))).map(({ port }) => port)
}
