import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach } from 'vitest'

/** A folder that a test uses as `/`, with files below it. */
export class Root {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-root-'))
  #path = ''

  /** Makes an empty folder for each test of a file. */
  static forEach(): Root {
    const root = new Root()
    beforeEach(() => {
      root.#path = mkdtempSync(join(root.#folder, 'root-'))
    })
    afterAll(() => rmSync(root.#folder, { recursive: true }))
    return root
  }

  get path(): string {
    return this.#path
  }

  /** Returns where a path below `/` really is. */
  real(path: string): string {
    return join(this.#path, path)
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(this.real(path)), { recursive: true })
    writeFileSync(this.real(path), text)
  }

  read(path: string): string {
    return readFileSync(this.real(path), 'utf8')
  }

  mode(path: string): number {
    return statSync(this.real(path)).mode & 0o777
  }
}
