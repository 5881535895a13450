/** A rule that protects stock or money, and how it can be taken away. */
export interface Guard {
  /** What holds as long as the rule is there. */
  rule: string
  file: string
  /** The rule's own text, to be found exactly once. */
  text: string
  /** What stands there without it. */
  without: string
  /** The tests that must fail then: a file, and the beginning of their names where not all of it need run. */
  tests: { file: string; named?: string }
}
