-- CreateEnum
CREATE TYPE "saga_state" AS ENUM ('RUNNING', 'DONE', 'COMPENSATING', 'COMPENSATED');

-- CreateEnum
CREATE TYPE "points_step" AS ENUM ('GIVEN', 'DEDUCTED', 'GRANTED', 'RETURNED');

-- AlterTable
ALTER TABLE "coupon_entries" ADD COLUMN     "off_cents" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "coupons" ADD COLUMN     "discount_cents" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "orders" ADD COLUMN     "points" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "points_entries" ADD COLUMN     "step" "points_step" NOT NULL DEFAULT 'GRANTED',
ALTER COLUMN "order_id" DROP NOT NULL,
ALTER COLUMN "sale_id" DROP NOT NULL,
ALTER COLUMN "event_id" DROP NOT NULL;

-- CreateTable
CREATE TABLE "sagas" (
    "order_id" UUID NOT NULL,
    "sale_id" TEXT NOT NULL,
    "state" "saga_state" NOT NULL DEFAULT 'RUNNING',
    "step" TEXT NOT NULL,
    "reason" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sagas_pkey" PRIMARY KEY ("order_id")
);

-- CreateIndex
CREATE INDEX "sagas_state_due_at_idx" ON "sagas"("state", "due_at");

-- Until now points were granted for payments and taken back for refunds, and for nothing else.
UPDATE "points_entries" SET "step" = 'RETURNED' WHERE "points" < 0;
ALTER TABLE "points_entries" ALTER COLUMN "step" DROP DEFAULT;

-- Nobody pays less than nothing, and nothing is spent backwards.
ALTER TABLE "orders" ADD CONSTRAINT "orders_amount" CHECK ("amount_cents" >= 0);
ALTER TABLE "orders" ADD CONSTRAINT "orders_points" CHECK ("points" >= 0);
ALTER TABLE "coupons" ADD CONSTRAINT "coupons_discount" CHECK ("discount_cents" >= 0);
