-- CreateEnum
CREATE TYPE "spread_stage" AS ENUM ('NONE', 'SPREADING', 'GATHERING');

-- AlterTable
ALTER TABLE "order_progress" ADD COLUMN     "advanced_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "subscriptions" ADD COLUMN     "partitions" INTEGER NOT NULL DEFAULT 1,
ADD COLUMN     "remembers_from" TIMESTAMPTZ(3),
ADD COLUMN     "spread" "spread_stage" NOT NULL DEFAULT 'NONE',
ADD COLUMN     "spread_over" INTEGER;

-- CreateTable
CREATE TABLE "subscriber_processes" (
    "id" UUID NOT NULL,
    "subscriber" TEXT NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "spread" "spread_stage" NOT NULL DEFAULT 'NONE',

    CONSTRAINT "subscriber_processes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "subscriber_processes_subscriber_idx" ON "subscriber_processes"("subscriber");

-- CreateIndex
CREATE INDEX "order_progress_advanced_at_idx" ON "order_progress"("advanced_at");

-- Rejections have no order whose progress would tell when their entry is old.
CREATE INDEX "inbox_handled_at_without_order_idx" ON "inbox"("handled_at") WHERE "order_id" IS NULL;
