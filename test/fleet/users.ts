// A host that takes the fleet's users, an operator who pushes them, and etcd in memory.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { readConfig } from '../../src/config/read.ts'
import { Keyspace } from '../../src/fleet/keyspace.ts'
import { signText } from '../../src/fleet/signed.ts'
import { FleetUsers } from '../../src/fleet/users/fleet-users.ts'
import type { FleetUsersDeps } from '../../src/fleet/users/fleet-users.ts'
import { cutFiles } from '../../src/fleet/users/parts.ts'
import { PartSeal } from '../../src/fleet/users/sealed-part.ts'
import type { UsersDocument } from '../../src/fleet/users/users-document.ts'

export const KEYSPACE = new Keyspace('home')
export const FLEET_KEY = randomBytes(32)
export const SEAL = new PartSeal(FLEET_KEY, 'home')
export const PLACE = KEYSPACE.document('users')
/** The operators, by name. Mallory is none. */
export const OPERATORS = {
  alice: generateKeyPairSync('ed25519'),
  bob: generateKeyPairSync('ed25519'),
  mallory: generateKeyPairSync('ed25519'),
}

/** The texts of files by their names. */
export type Texts = Readonly<Record<string, string | Buffer>>

/** etcd in memory, which notes what was asked for. */
export class MemoryEtcd {
  readonly values = new Map<string, string>()
  asked: string[] = []
  /** The reason why it does not answer. */
  away: string | undefined

  async get(key: string): Promise<{ readonly value: string } | undefined> {
    await Promise.resolve()
    this.asked.push(key)
    if (this.away !== undefined) throw new Error(this.away)
    const value = this.values.get(key)
    return value === undefined ? undefined : { value }
  }

  /** Puts the parts of files, and returns the text of their document. */
  push(version: number, texts: Texts, by: keyof typeof OPERATORS = 'alice', seal = SEAL): string {
    const contents = new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text as string)]))
    const { files, parts } = cutFiles(contents, seal)
    for (const [id, part] of parts) this.values.set(KEYSPACE.part(id), seal.seal(part))
    return signed({ version, files }, by)
  }
}

/** Signs the text of a document, whatever is in it. */
export function signed(document: UsersDocument | object, by: keyof typeof OPERATORS = 'alice', place = PLACE): string {
  return signText(place, document, { name: by, key: OPERATORS[by].privateKey })
}

/** Waits until a check passes, on a busy machine, too. */
export async function soon(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 20_000, interval: 10 })
}

/** A host with a folder, in which it can start again. */
export class FleetHost {
  readonly state: string
  readonly etcd: MemoryEtcd
  users: FleetUsers
  readonly lines: string[] = []
  /** The lowest version that this host takes, as its journal keeps it. */
  readonly least = {
    version: 0,
    raise: (version: number) => void (this.least.version = Math.max(this.least.version, version)),
  }
  /** What doors read at each refresh. */
  readonly refreshed: (string | undefined)[] = []
  operators: readonly string[] = ['alice', 'bob']
  doors = ''
  readonly #more: Partial<FleetUsersDeps>
  #tries = 0

  constructor(doors = '', more: Partial<FleetUsersDeps> = {}, state?: string, etcd = new MemoryEtcd()) {
    this.state = state ?? join(mkdtempSync(join(tmpdir(), 'postern-fleet-')), 'state')
    mkdirSync(this.state, { recursive: true, mode: 0o700 })
    this.etcd = etcd
    this.doors = doors
    this.#more = more
    this.users = this.#start()
  }

  /** Starts again with what is on disk. */
  restart(more: Partial<FleetUsersDeps> = {}): void {
    this.users.close()
    this.users = this.#start(more)
  }

  /** The path of a file in force. */
  path(name: string): string {
    return join(this.state, 'users.d', name)
  }

  /** The text of a file in force; `undefined`: there is none. */
  text(name: string): string | undefined {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : undefined
  }

  /** Tells a text of etcd, and waits until it is in force or refused. */
  async tell(text: string): Promise<void> {
    const before = this.#tries
    this.users.changed([{ type: 'put', kv: { key: PLACE, value: text, modRevision: '1' } }])
    await soon(() => {
      if (this.#tries === before) throw new Error('nothing happened')
    })
  }

  async push(version: number, texts: Texts, by: keyof typeof OPERATORS = 'alice'): Promise<void> {
    await this.tell(this.etcd.push(version, texts, by))
  }

  #start(more: Partial<FleetUsersDeps> = {}): FleetUsers {
    const users = new FleetUsers({
      keyspace: KEYSPACE,
      fleetKey: FLEET_KEY,
      stateFolder: this.state,
      keyOf: (name) => (this.operators.includes(name) ? OPERATORS[name as 'alice'].publicKey : undefined),
      least: this.least,
      etcd: this.etcd,
      doors: () =>
        readConfig(`[options]\n${this.doors.replaceAll('USERS', join(this.state, 'users.d'))}`, 'k').config?.doors ??
        [],
      refresh: (folder) => void this.refreshed.push(existsSync(folder) ? this.text('ssh.users') : undefined),
      log: { notice: (level, line) => void this.lines.push(`${level}: ${line}`) },
      tried: () => void this.#tries++,
      steady: () => performance.now(),
      ...this.#more,
      ...more,
    })
    users.load()
    return users
  }
}
