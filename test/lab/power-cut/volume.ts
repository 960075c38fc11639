import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { shutDown } from './shutdown.ts'

/** Bytes of the image: ext4 makes a journal of its own on it, and a compaction finds room. */
const IMAGE_BYTES = 64 * 1_048_576

/** A small ext4 in a file, mounted over a loop device, whose power can be cut. Needs root. */
export class Volume {
  readonly #folder: string
  /** Every life of the volume has an image and a mount point of its own. */
  #life = 0
  readonly #mounted: string[] = []
  /** A test run that is interrupted leaves nothing mounted. */
  readonly #atExit = (): void => this[Symbol.dispose]()

  /** @param base the folder in which its files are */
  constructor(imageBytes = IMAGE_BYTES, base = tmpdir()) {
    this.#folder = mkdtempSync(join(base, 'postern-power-'))
    writeFileSync(this.#image, '')
    truncateSync(this.#image, imageBytes)
    run('mkfs.ext4', '-q', '-F', this.#image)
    process.once('exit', this.#atExit)
    this.#mount()
  }

  /** Where it is mounted now: another folder after each {@link powerUp}. */
  get mountPoint(): string {
    return join(this.#folder, `mnt${this.#life}`)
  }

  get #image(): string {
    return join(this.#folder, `image${this.#life}`)
  }

  /** Everything that is not on the image by now never gets there; all who use it get EIO. */
  cutPower(): void {
    shutDown(this.mountPoint)
  }

  /**
   * Mounts what the power cut left. That is a copy of the image: unmounting could write to it, and would bring back the
   * very file system that was stopped as long as any mount namespace made meanwhile still has it.
   */
  powerUp(): void {
    const before = this.#image
    this.#life++
    run('cp', '--sparse=always', before, this.#image)
    this.#unmount()
    rmSync(before)
    this.#mount()
  }

  /** Takes everything away, also when something went wrong before. */
  [Symbol.dispose](): void {
    process.off('exit', this.#atExit)
    this.#unmount()
    rmSync(this.#folder, { recursive: true })
  }

  #mount(): void {
    mkdirSync(this.mountPoint)
    // The loop device goes by itself with the last mount: -o loop sets autoclear.
    run('mount', '-o', 'loop', '-t', 'ext4', this.#image, this.mountPoint)
    this.#mounted.push(this.mountPoint)
  }

  #unmount(): void {
    for (const mountPoint of this.#mounted.splice(0)) run('umount', '--lazy', mountPoint)
  }
}

function run(program: string, ...words: string[]): void {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
