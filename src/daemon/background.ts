import { closeSync, writeSync } from 'node:fs'
import { spawn } from '../native/spawn.ts'

/** The environment variable of the background process. Its value is the descriptor that the starter reads. */
const STARTER = 'POSTERN_STARTER'
/** The byte that the background process writes when it is ready. Text before it is for the terminal. */
const READY = '\0'
/** The most bytes that a starter reads. */
const SAYS_MAX_BYTES = 1_048_576

/** Returns true if this process is the background process. */
export function inBackground(): boolean {
  return process.env[STARTER] !== undefined
}

/**
 * Starts the same program in the background, and waits until it is ready or has failed.
 *
 * @param say gets the text that the background process writes until then
 * @returns the exit code
 */
export async function startInBackground(say: (text: string) => void): Promise<number> {
  const args = [...process.execArgv, ...process.argv.slice(1)]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [STARTER]: '3' },
  })
  const exit = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })
  let said = 0
  for await (const chunk of child.stdio[3] as AsyncIterable<Buffer>) {
    said += chunk.length
    if (said > SAYS_MAX_BYTES) break
    const text = chunk.toString('utf8')
    say(text.replaceAll(READY, ''))
    if (text.includes(READY)) {
      child.unref()
      return 0
    }
  }
  return (await exit) || 1
}

/** Returns the descriptor of the process that started this one in the background, if there is one. */
export function starterDescriptors(): readonly number[] {
  return inBackground() ? [Number(process.env[STARTER])] : []
}

/** Sends text to the process that started this one in the background. */
export function tellStarter(text: string): void {
  try {
    writeSync(Number(process.env[STARTER]), text)
  } catch {
    // The starter has ended. Nobody reads this.
  }
}

/** Reports to the starter that the daemon is ready, and closes the pipe. Commands do not inherit the pipe. */
export function releaseStarter(): void {
  tellStarter(READY)
  closeSync(Number(process.env[STARTER]))
  delete process.env[STARTER]
}
