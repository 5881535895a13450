/** What a link of the last cell may lead to: a test, or the command that plays faults at random. */
const PROOF = /\]\([^)]*(?:\.test\.ts|\/chaos\/main\.ts)\)/

/** The rows of tables with a column "test" that name none, by their first cell. */
export function rowsWithoutProof(text: string): string[] {
  let isOfTable = false
  return text.split('\n').flatMap((line) => {
    const cells = line.startsWith('|') ? line.split('|').slice(1, -1) : []
    const last = cells.at(-1)?.trim() ?? ''
    if (last === 'test') isOfTable = true
    else if (cells.length === 0) isOfTable = false
    else if (isOfTable && !/^-+$/.test(last) && !PROOF.test(last)) return [cells[0]?.trim() ?? '']
    return []
  })
}
