-- What it takes to rebuild a sale's Redis data from here, and to find out whether it is needed.

ALTER TABLE "sales" ADD COLUMN "returned" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "sales" ADD COLUMN "fenced_epoch" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "sales" ADD COLUMN "earliest_opens_at" TIMESTAMPTZ(3);
ALTER TABLE "sales" ADD COLUMN "latest_closes_at" TIMESTAMPTZ(3);
UPDATE "sales" SET "fenced_epoch" = "epoch", "returned" = (SELECT coalesce(sum("quantity"), 0) FROM "orders" WHERE "sale_id" = "sales"."id" AND "status" IN ('CANCELLED', 'REFUNDED'));

-- Of earlier reservations it is only known that they came while their sale was open, and before they were decided.
ALTER TABLE "decisions" ADD COLUMN "reserved_at" TIMESTAMPTZ(3);
UPDATE "decisions" SET "reserved_at" = least("decided_at", "closes_at" - interval '1 ms') FROM "sales" WHERE "sales"."id" = "sale_id";
ALTER TABLE "decisions" ALTER COLUMN "reserved_at" SET NOT NULL;

-- Redis is told of payments, too, until it has heard.
DROP INDEX "orders_unreleased";
ALTER TABLE "orders" RENAME COLUMN "released_at" TO "told_at";
UPDATE "orders" SET "told_at" = "paid_at" WHERE "status" = 'PAID';
CREATE INDEX "orders_untold" ON "orders"(coalesce("cancelled_at", "paid_at")) WHERE "status" IN ('PAID', 'CANCELLED') AND "told_at" IS NULL;
