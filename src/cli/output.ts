/** Standard output and standard error of a program, written in whole lines with their line ends. */
export interface Output {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}
