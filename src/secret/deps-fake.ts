import type { GateSequence } from '../gate/sequence.ts'
import { textOf } from '../log/format.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { HolderMarks } from './holder-marks.ts'
import { FakeLedger } from '../state/ledger-fake.ts'
import { MemoryDisk } from '../state/disk-fake.ts'
import { openStoreOn } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { Claim } from './authenticator.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import type { PacketDeps } from './deps.ts'
import type { GeneratedDeps } from './generated-door.ts'

const MARKS = new HolderMarks(new Uint8Array(32).fill(1))

/** A gate that only knows which sequences it has. */
export class FakeGate {
  readonly known = new Set<GateSequence>()

  add(sequence: GateSequence): void {
    this.known.add(sequence)
  }

  remove(sequence: GateSequence): void {
    this.known.delete(sequence)
  }
}

/** The surroundings of an authenticator under test. They note what it says and does. */
export interface FakeDeps extends GeneratedDeps, PacketDeps<unknown> {
  readonly gate: FakeGate
  readonly ledger: FakeLedger
  readonly store: Store
  /** The lines of the log. */
  readonly said: string[]
  /** The explanations. */
  readonly explained: string[]
  /** The claims that valid packets made. */
  readonly claims: Claim<unknown>[]
  /** The number of times that holders changed. */
  readonly changes: () => number
}

/**
 * Makes surroundings.
 *
 * @param folder the folder of the lists that the daemon makes
 * @param before surroundings whose ledger and store this start finds
 */
export async function fakeDeps(folder: string, before?: FakeDeps): Promise<FakeDeps> {
  const said: string[] = []
  const explained: string[] = []
  const claims: Claim<unknown>[] = []
  let changes = 0
  return {
    gate: new FakeGate(),
    ledger: new FakeLedger(before?.ledger),
    store: before?.store ?? (await openStoreOn(new MemoryDisk(), '/state')).store,
    marks: MARKS,
    clock: SYSTEM_CLOCK,
    listFolder: folder,
    listening: () => ({ [TCP]: new Set(), [UDP]: new Set() }),
    said,
    explained,
    claims,
    changes: () => changes,
    log: {
      event: (event) => void (event.kind === 'explanation' ? explained.push(event.reason) : said.push(textOf(event))),
      notice: (_, text) => void said.push(text),
    },
    claimed: (claim) => void claims.push(claim),
    isOwn: () => true,
    needsChanged: () => undefined,
    holdersChanged: () => void changes++,
  }
}
