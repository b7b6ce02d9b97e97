import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';

// What a datasource is asked is its own matter: Prometheus' has an expression, and texts of marks.
type Expression = DataQuery & { expr: string; interval?: string };

type Texts = { titleFormat: string; textFormat: string; tagKeys: string };

export type Page = Omit<Dashboard, 'annotations'> & {
  annotations: { list: (AnnotationQuery<Expression> & Texts)[] };
};

// JSON has no enums: where Grafana's types want one, its values are taken as they are written.
export type Loose<T> = T extends string
  ? string extends T
    ? string
    : `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? Loose<Item>[]
      : T extends object
        ? { [Key in keyof T]: Loose<T[Key]> }
        : T;
