import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { Failure } from '../cli/fault.ts'

/** Asks for a secret at the terminal, without showing it. @throws Failure if there is no terminal */
export async function askHidden(question: string, noTerminal: string, hint?: string): Promise<string> {
  if (!process.stdin.isTTY) throw new Failure(noTerminal, hint)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  // Only now does the terminal show nothing of what is typed.
  process.stderr.write(`${question}: `)
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('line', resolve)
      reader.once('close', () => reject(new Failure('the terminal was closed: nothing has changed')))
      reader.once('SIGINT', () => reject(new Failure('interrupted: nothing has changed')))
    })
  } finally {
    reader.close()
    process.stderr.write('\n')
  }
}
