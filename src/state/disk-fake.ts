import type { Disk, DiskFile } from './disk.ts'
import { FileTooLargeError } from './disk.ts'

/** Bytes that a real disk keeps or loses as one in a power cut. The value is small, so that short files tear too. */
export const PAGE_BYTES = 64

/** One in this many unsynced pages is lost in a power cut. That is often, but leaves lines after a gap. */
const PAGES_FOR_A_LOSS = 4

/** The steps that tests can make fail. */
export type DiskStep = 'write' | 'sync' | 'create' | 'link' | 'rename' | 'syncFolder' | 'truncate'

interface Inode {
  bytes: Uint8Array
  /** The content that survives a power cut. */
  synced: Uint8Array
  /** True after a failed sync. Later syncs report success, but write nothing. */
  lost: boolean
}

/**
 * A disk in memory for tests, which can simulate a power cut. After {@link powerCut}, each page written since the last
 * sync is new, zero, or as before. The names are those of the last `syncFolder`, or the newer ones. After a failed sync
 * a file is never written again, though later syncs report success. Linux can treat a file's pages like that.
 */
export class MemoryDisk implements Disk {
  #names = new Map<string, Inode>()
  #syncedNames = new Map<string, Inode>()
  /** Called before each step. The step fails with the error that it returns; a failed write leaves half behind. */
  fail: (step: DiskStep, path: string) => Error | undefined = () => undefined
  syncs = 0

  /** Returns the file as programs see it. */
  peek(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes
  }

  /** Adds a file, with synced content and name. */
  place(path: string, bytes: Uint8Array): void {
    const inode = { bytes, synced: bytes, lost: false }
    this.#names.set(path, inode)
    this.#syncedNames.set(path, inode)
  }

  /** Returns the names present, sorted. */
  list(): readonly string[] {
    return [...this.#names.keys()].sort()
  }

  /** Returns a new disk as found after a power cut at this moment; `choose(n)` gives 0 to n - 1. */
  powerCut(choose: (n: number) => number): MemoryDisk {
    const after = new MemoryDisk()
    const names = choose(2) === 0 ? this.#names : this.#syncedNames
    for (const [path, inode] of names) after.place(path, survivor(inode, choose))
    return after
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = this.#names.get(path)?.bytes
    if (bytes !== undefined && bytes.length > maxBytes) throw new FileTooLargeError(path, bytes.length, maxBytes)
    return bytes
  }

  async open(path: string): Promise<DiskFile> {
    const inode = this.#names.get(path)
    if (inode === undefined) throw systemError('ENOENT')
    return this.#file(path, inode)
  }

  async create(path: string): Promise<DiskFile> {
    this.#check('create', path)
    const inode = { bytes: new Uint8Array(), synced: new Uint8Array(), lost: false }
    this.#names.set(path, inode)
    return this.#file(path, inode)
  }

  async link(path: string, name: string): Promise<void> {
    this.#check('link', path)
    if (this.#names.has(name)) throw systemError('EEXIST')
    this.#names.set(name, this.#names.get(path)!)
  }

  async rename(path: string, name: string): Promise<void> {
    this.#check('rename', path)
    const inode = this.#names.get(path)
    if (inode === undefined) throw systemError('ENOENT')
    this.#names.set(name, inode)
    this.#names.delete(path)
  }

  async syncFolder(folder: string): Promise<void> {
    this.#check('syncFolder', folder)
    this.#syncedNames = new Map(this.#names)
  }

  #file(path: string, inode: Inode): DiskFile {
    return {
      write: async (bytes, position) => {
        const error = this.fail('write', path)
        const part = error === undefined ? bytes : bytes.subarray(0, bytes.length >> 1)
        const next = new Uint8Array(Math.max(inode.bytes.length, position + part.length))
        next.set(inode.bytes)
        next.set(part, position)
        inode.bytes = next
        if (error !== undefined) throw error
      },
      truncate: async (length) => {
        this.#check('truncate', path)
        inode.bytes = inode.bytes.slice(0, length)
      },
      sync: async () => {
        // A sync covers the writes before it began, not those while it runs.
        const bytes = inode.bytes
        await Promise.resolve()
        const error = this.fail('sync', path)
        if (error !== undefined) {
          inode.lost = true
          throw error
        }
        if (!inode.lost) inode.synced = bytes
        this.syncs++
      },
      close: async () => {},
    }
  }

  #check(step: DiskStep, path: string): void {
    const error = this.fail(step, path)
    if (error !== undefined) throw error
  }
}

/** Makes an error like the system's. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code })
}

function survivor({ bytes, synced }: Inode, choose: (n: number) => number): Uint8Array {
  if (bytes === synced) return synced
  const length = Math.min(bytes.length, synced.length) + choose(Math.abs(bytes.length - synced.length) + 1)
  const result = new Uint8Array(length)
  for (let at = 0; at < length; at += PAGE_BYTES) {
    const end = Math.min(at + PAGE_BYTES, length)
    const before = synced.subarray(at, end)
    const page = bytes.subarray(at, end)
    // A page without a write since the sync cannot change.
    const touched = page.length !== before.length || page.some((byte, index) => byte !== before[index])
    const pick = touched ? choose(PAGES_FOR_A_LOSS) : 1
    // A lost page that was never on the disk reads as zeros.
    result.set(pick === 0 ? before : page, at)
  }
  return result
}
