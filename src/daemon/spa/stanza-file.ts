import type { Door } from '../../config/config.ts'
import { formatFault } from '../../text/fault.ts'
import { faultsOfGnupgHome } from '../../file/faults.ts'
import { SECRET } from '../../file/policy.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { forcedInVain } from '../../spa/fwknop/allowed.ts'
import { placeText } from '../../spa/fwknop/stanza.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import { readAccessFile } from './access-file.ts'
import type { AccessFile } from './access-file.ts'
import { barredCommands, ownRights } from './command-rights.ts'
import { stanzasLeft } from './fwknop-holders.ts'
import type { JudgeTerms } from './granted.ts'

const FAULTS_SAID_MAX = 5

/** The kinds of files with fwknop keys. */
type FwknopProtocol = 'fwknop' | 'fwknop-keys'

/** A door that fwknop packets open, and the current stanzas of its file. */
export class StanzaFile {
  readonly door: Door
  readonly path: string
  readonly protocol: FwknopProtocol
  readonly #of: Pick<JudgeTerms, 'say' | 'holdersChanged'>
  readonly #file: WatchedFile<readonly Stanza[]>
  #barred: ReadonlyMap<string, string>
  #last: AccessFile | undefined

  /**
   * Watches the file; {@link refresh} reads it.
   *
   * @param before the known stanzas of the same file
   */
  constructor(
    door: Door,
    { path, protocol }: { readonly path: string; readonly protocol: FwknopProtocol },
    of: Pick<JudgeTerms, 'say' | 'holdersChanged'>,
    before?: readonly Stanza[],
  ) {
    this.door = door
    this.path = path
    this.protocol = protocol
    this.#of = of
    this.#barred = this.#barredIn(before ?? [], () => undefined)
    const { say, holdersChanged } = of
    this.#file = new WatchedFile<readonly Stanza[]>({
      path,
      before,
      read: () => this.#read(),
      changed: (stanzas) => {
        this.#barred = this.#barredIn(stanzas, (text) => say('error', text))
        holdersChanged()
      },
      failed: (error, kept) => {
        say('error', `${door.name}: ${kept ? 'keeping the previous keys' : 'opens to nobody'}: ${error.message}`)
      },
      files: () => this.#last?.files ?? [],
      folders: () => this.#last?.folders ?? [],
      unwatched: (error) => say('warning', `${path} is not watched: ${error.message}`),
    })
  }

  /** The current stanzas, or `undefined` if the file could not be read yet. */
  get known(): readonly Stanza[] | undefined {
    return this.#file.state
  }

  get stanzas(): readonly Stanza[] {
    return this.#file.state ?? []
  }

  /** Returns the reason why a stanza's commands cannot run, or `undefined`. */
  barred(stanza: Stanza): string | undefined {
    return this.#barred.get(placeText(stanza))
  }

  /** Reads the file again. A file with an error adds no keys, but removed keys lose access. */
  refresh(): void {
    this.#file.refresh()
  }

  /** Stops watching the file. */
  close(): void {
    this.#file.close()
  }

  #read(): readonly Stanza[] {
    const { door, path } = this
    const last = readAccessFile(path, this.protocol, SECRET, this.known)
    this.#last = last
    const { stanzas, faults: found } = last
    const faults = [...found, ...(forwardsOf(door).length > 0 ? [] : stanzas.flatMap(forcedInVain))]
    const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
    if (faults.some(({ severity }) => severity === 'error')) {
      const { known } = this
      if (known === undefined) throw new Error(told.join('\n'))
      this.#of.say('error', [...told, `${door.name}: keeping the previous keys`].join('\n'))
      return stanzasLeft(known, last.text, last.isUnread)
    }
    if (told.length > 0) this.#of.say('warning', told.join('\n'))
    return stanzas.filter((stanza) => this.#isSafe(stanza))
  }

  /** Refuses an unsafe folder of GnuPG. Anyone who can write to it chooses the accepted signers. */
  #isSafe({ file = this.path, line, gnupg }: Stanza): boolean {
    const [fault] = gnupg === undefined ? [] : faultsOfGnupgHome(gnupg.homeDir)
    if (fault === undefined) return true
    const what = `${file}:${line}: opens to nobody: ${gnupg!.homeDir}: ${fault.message}`
    this.#of.say('error', `${this.door.name}: ${what}\n${fault.cure}`)
    return false
  }

  /** Reports these stanzas when the file is read, because later nobody may be watching. */
  #barredIn(stanzas: readonly Stanza[], tell: (text: string) => void): ReadonlyMap<string, string> {
    return barredCommands(stanzas, ownRights(), (fault) => tell(formatFault(this.path, fault)))
  }
}
