/** Changes the status of an order. Parameters: $1 its id, $2 its new status. */
export const changeStatus = `
  UPDATE lab_orders SET status = $2
  WHERE id = $1` // and …
