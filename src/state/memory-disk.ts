import type { Disk, DiskFile } from './disk.ts'
import { FileTooLargeError } from './disk.ts'

/** Bytes a real disk keeps or loses as one when its power goes. Small, so that short files tear too. */
export const PAGE_BYTES = 64

/** One in so many unsynced pages is lost in a power cut: often enough, and seldom enough to leave lines behind a gap. */
const PAGES_FOR_A_LOSS = 4

/** What can be told to go wrong. */
export type DiskStep = 'write' | 'sync' | 'create' | 'link' | 'rename' | 'syncFolder' | 'truncate'

interface Inode {
  bytes: Uint8Array
  /** What a power cut cannot take. */
  synced: Uint8Array
  /** A sync has failed: later ones say that all is well, and write nothing. */
  lost: boolean
}

/**
 * A disk in memory that can cut its own power: the fake that stands in for the real one in tests. After
 * {@link powerCut} each page written since the last sync is there, or zero, or as it was before; the names are those of
 * the last `syncFolder`, or the newer ones. A file of which one sync has failed is never written again, though later
 * syncs say so: that is how Linux can treat its pages.
 */
export class MemoryDisk implements Disk {
  #names = new Map<string, Inode>()
  #syncedNames = new Map<string, Inode>()
  /** Asked before each step; an error it returns is what the step fails with. A failed write leaves half behind. */
  fail: (step: DiskStep, path: string) => Error | undefined = () => undefined
  syncs = 0

  /** The file as programs see it. */
  peek(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes
  }

  /** Puts a file there, synced, under a synced name. */
  place(path: string, bytes: Uint8Array): void {
    const inode = { bytes, synced: bytes, lost: false }
    this.#names.set(path, inode)
    this.#syncedNames.set(path, inode)
  }

  /** Names present, sorted. */
  list(): readonly string[] {
    return [...this.#names.keys()].sort()
  }

  /** A new disk as it could be found after a power cut now; `choose(n)` gives 0 to n - 1. */
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
        // What the sync covers is what was written before it began, not what comes while it runs.
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

/** An error as the system gives it. */
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
    // A page no write has touched since the sync cannot change.
    const touched = page.length !== before.length || page.some((byte, index) => byte !== before[index])
    const pick = touched ? choose(PAGES_FOR_A_LOSS) : 1
    // One that never was on the disk is zero then.
    result.set(pick === 0 ? before : page, at)
  }
  return result
}
