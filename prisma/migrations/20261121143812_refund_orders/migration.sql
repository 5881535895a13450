-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "end_reason" TEXT,
ADD COLUMN     "refunded_at" TIMESTAMPTZ(3);

-- Of orders that were cancelled before, the reason is what it was taken for so far: whoever cancels before the deadline is the buyer.
UPDATE "orders" SET "end_reason" = CASE WHEN "cancelled_at" >= "payment_deadline" THEN 'UNPAID' ELSE 'BUYER' END WHERE "status" = 'CANCELLED';

-- Redis is told of refunds, too, until it has heard.
DROP INDEX "orders_untold";
CREATE INDEX "orders_untold" ON "orders"(coalesce("refunded_at", "cancelled_at", "paid_at")) WHERE "status" IN ('PAID', 'CANCELLED', 'REFUNDED') AND "told_at" IS NULL;
