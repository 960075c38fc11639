import type { Ran } from './orders.ts'
import type { RunProgram } from './rules.ts'

/** Returns a fake that answers for each of the commands that one shell runs: see `runAll`. */
export function inShell(answer: (argv: readonly string[]) => Ran | Promise<Ran>): RunProgram {
  return async (argv) => {
    if (argv[0] !== 'sh') return await answer(argv)
    const pieces: string[] = []
    for (const command of argv.slice(4)) {
      const { code, stdout } = await answer(command.split(' '))
      pieces.push(`${stdout}\n# exit code ${code ?? 127}\n`)
    }
    return { code: 0, stdout: pieces.join(''), stderr: '' }
  }
}
